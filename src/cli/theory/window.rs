//! `tailcatch theory window`: how long from the first sighting of an exploit until it dominates.

use super::super::Outcome;
use super::super::console::Console;
use super::super::table::number as shown;
use super::{Answer, PlotArgs, finish, number, raised};
use crate::plots::chart::{Chart, Curve, Mark};
use crate::plots::scale::Kind;
use crate::theory::influence::Trainer;
use crate::theory::window::{Window, window};
use clap::{Args, ValueEnum};

#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Kin {
    /// Rewards less their mean
    Reinforce,
    /// Divided by the batch's standard deviation
    Normalised,
    /// The same, 4 epochs, ratios clipped at 1.2
    Ppo,
    /// Normalised within the group of a prompt
    Grpo,
}

/// How long from the first sighting of an exploit until it dominates
///
/// A rare exploit is first sampled after a while, then drives the policy the faster the more often it is met. The steps
/// between are the response window: an audit and its remedy that take longer come too late. For plain SGD on a tabular
/// policy; with Adam the window does not depend on the size. Finding F5.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch theory window --mass 1/2000 --proxy 20 --batch 64 --step-size .05\n  tailcatch theory \
                  window --mass 1e-4 --proxy 50 --batch 256 --step-size .05 --trainer grpo --plot window.svg"
)]
pub struct WindowArgs {
    /// Prior mass of the exploit under the reference policy
    #[arg(long, value_name = "Q", value_parser = number, allow_negative_numbers = true)]
    mass: f64,
    /// Its proxy reward, in standard deviations of the rest (with reinforce: in units of reward)
    #[arg(long, value_name = "U", value_parser = number, allow_negative_numbers = true)]
    proxy: f64,
    /// Rollouts a step
    #[arg(long, value_name = "B", value_parser = number, allow_negative_numbers = true)]
    batch: f64,
    /// Step of the logits per sample: learning rate / batch
    #[arg(long, value_name = "A", value_parser = number, allow_negative_numbers = true)]
    step_size: f64,
    /// How rewards become updates
    #[arg(long, value_name = "T", default_value = "reinforce")]
    trainer: Kin,
    /// Rollouts of a prompt, for grpo
    #[arg(long, value_name = "G", value_parser = number, default_value = "8")]
    group: f64,
    #[command(flatten)]
    plot: PlotArgs,
}

impl WindowArgs {
    fn trainer(&self, kin: Kin) -> Trainer {
        match kin {
            Kin::Reinforce => Trainer::Reinforce,
            Kin::Normalised => Trainer::Normalised { batch: self.batch },
            Kin::Ppo => Trainer::Ppo { batch: self.batch },
            Kin::Grpo => Trainer::Grpo { group: self.group },
        }
    }
}

/// Runs the command.
///
/// # Errors
/// An argument outside its range; a figure that cannot be written.
pub fn run(args: &WindowArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let trainer = args.trainer(args.trainer);
    let found = window(args.mass, args.proxy, args.batch, args.step_size, trainer)?;
    let mut answer = Answer::default();
    answer.given("mass", args.mass);
    answer.given("proxy", args.proxy);
    answer.given("batch", args.batch);
    answer.given("step_size", args.step_size);
    answer.given("trainer", trainer.name());
    answer.value(
        "first_sighting",
        found.first_sighting,
        "mean step of the first sighting, 1/(1 − (1 − q)^B)",
    );
    answer.value("window", found.window, "steps from there until the exploit holds half of the policy");
    answer.value("window_sd", found.window_sd, "standard deviation of the window");
    answer.value("sightings", found.sightings as u64, "sightings until it holds half");
    answer.value("logit_per_sighting", found.growth, "growth of its logit per sighting");
    answer.value("one_step", found.is_one_step(), "whether the first sighting is enough");
    answer.finding(if found.is_one_step() {
        "The first update that holds the exploit hands it the policy: only an audit before the update can help.".to_owned()
    } else {
        format!(
            "An audit and its remedy have about {} steps, give or take {}. Windows in simulation lie within 25% of the formula.",
            shown(found.window), shown(found.window_sd)
        )
    });
    finish(&answer, &args.plot, || Ok(chart(args, &found)), console)
}

/// The window against the exploit's size, for each trainer.
fn chart(args: &WindowArgs, found: &Window) -> Chart {
    let (low, high) = ((args.proxy / 3.0).min(1.0), (args.proxy * 3.0).max(1000.0));
    let sizes: Vec<f64> = (0..=160).map(|i| low * (high / low).powf(f64::from(i) / 160.0)).collect();
    let curve = |kin: Kin| {
        let trainer = args.trainer(kin);
        let at =
            |u: f64| window(args.mass, u, args.batch, args.step_size, trainer).map_or(f64::NAN, |w| w.window);
        Curve { name: trainer.name().to_owned(), points: sizes.iter().map(|u| (*u, at(*u))).collect() }
    };
    Chart {
        title: "Steps from the first sighting of an exploit until it dominates".to_owned(),
        caption: format!(
            "Response window of an exploit of prior mass {} with {} rollouts a step and logit steps of {}, by its size. \
             Normalised advantages stop it from shrinking; a raw reward above ln(1/q)/α dominates in one step. Dot: the \
             exploit asked for.",
            raised(args.mass),
            args.batch,
            args.step_size
        ),
        x: ("proxy reward of the exploit (bulk sd)".to_owned(), Kind::Log),
        y: ("response window (steps)".to_owned(), Kind::Log),
        curves: [Kin::Reinforce, Kin::Normalised, Kin::Ppo, Kin::Grpo].map(curve).into(),
        marks: vec![Mark { x: args.proxy, y: found.window, label: format!("{} steps", shown(found.window)) }],
    }
}
