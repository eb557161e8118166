//! `tailcatch theory window`: how long from the first sighting of an exploit until it dominates.

use super::super::Outcome;
use super::super::console::Console;
use super::super::table::number as shown;
use super::{Answer, PlotArgs, finish, number, raised};
use crate::plots::chart::{Chart, Curve, Mark};
use crate::plots::scale::Kind;
use crate::theory::influence::Trainer;
use crate::theory::race::{Length, Race};
use crate::theory::window::{Window, window, window_sketched};
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
/// policy, one exploit, other rewards near normal; with Adam the window does not depend on the size. Within 10% of simulated
/// learners (PPO's within 20%) with KL coefficients from .5, 500 outcomes or more, at least 1/mass of them, 8 rollouts a step
/// or more and logit steps up to .2; elsewhere a reason and no number. Finding F5.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch theory window --mass 1/2000 --proxy 20 --batch 64 --step-size .05\n  tailcatch theory \
                  window --mass 1e-4 --proxy 50 --batch 256 --step-size .05 --trainer grpo --plot window.svg"
)]
pub struct WindowArgs {
    /// Prior mass of the exploit under the reference policy
    #[arg(long, value_name = "Q", value_parser = number, allow_negative_numbers = true)]
    mass: f64,
    /// Its proxy reward above the mean of the rest, in standard deviations of the rest
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
    /// Outcomes that the policy chooses from, the others of equal mass [default: 1/mass]
    #[arg(long, value_name = "K", value_parser = number, allow_negative_numbers = true)]
    outcomes: Option<f64>,
    /// Weight of the KL penalty in the reward, in standard deviations of the rest
    #[arg(long, value_name = "B", value_parser = number, default_value = ".5", allow_negative_numbers = true)]
    kl_coefficient: f64,
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

    fn race(&self, kin: Kin, proxy: f64) -> Race {
        Race {
            mass: self.mass,
            proxy,
            batch: self.batch,
            step_size: self.step_size,
            trainer: self.trainer(kin),
            outcomes: self.outcomes.unwrap_or(1.0 / self.mass),
            kl_coefficient: self.kl_coefficient,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// An argument outside its range; a figure that cannot be written.
pub fn run(args: &WindowArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let race = args.race(args.trainer, args.proxy);
    let found = window(&race)?;
    let mut answer = Answer::default();
    answer.given("mass", race.mass);
    answer.given("proxy", race.proxy);
    answer.given("batch", race.batch);
    answer.given("step_size", race.step_size);
    answer.given("trainer", race.trainer.name());
    answer.given("outcomes", race.outcomes);
    answer.given("kl_coefficient", race.kl_coefficient);
    answer.value(
        "first_sighting",
        found.first_sighting,
        "mean step of the first sighting, 1/(1 − (1 − q)^B)",
    );
    let length = &found.length;
    answer.maybe(
        "window",
        length.clone().map(|w| w.mean),
        "steps from there until the exploit holds half of the policy, on average",
    );
    answer.maybe("window_sd", length.clone().map(|w| w.sd), "standard deviation of the window");
    answer.value("sightings", found.sightings as u64, "sightings, one at a time, until it holds half");
    answer.value("logit_per_sighting", found.growth, "growth of its logit per sighting");
    answer.value("one_step", found.is_one_step(), "whether the first sighting is enough");
    answer.finding(match length {
        _ if found.is_one_step() => {
            "The first update that holds the exploit hands it the policy: only an audit before the update can help.".to_owned()
        }
        Ok(length) => format!(
            "An audit and its remedy have about {} steps, give or take {}. Simulated learners lie within {} of the mean.",
            shown(length.mean),
            shown(length.sd),
            if args.trainer == Kin::Ppo { "20%" } else { "10%" }
        ),
        Err(why) => format!("No window is stated here: {why}. Simulate the run itself: experiments/sightings.toml."),
    });
    finish(&answer, &args.plot, || Ok(chart(args, &found)), console)
}

/// The window against the exploit's size, for each trainer.
fn chart(args: &WindowArgs, found: &Window) -> Chart {
    let (low, high) = ((args.proxy / 3.0).min(1.0), (args.proxy * 3.0).max(1000.0));
    let sizes: Vec<f64> = (0..=40).map(|i| low * (high / low).powf(f64::from(i) / 40.0)).collect();
    let curve = |kin: Kin| {
        let at = |u: f64| window_sketched(&args.race(kin, u)).ok()?.length.ok().map(|w| w.mean);
        let points = sizes.iter().filter_map(|u| Some((*u, at(*u)?))).collect();
        Curve { name: args.trainer(kin).name().to_owned(), points }
    };
    let mark = |w: &Length| Mark { x: args.proxy, y: w.mean, label: format!("{} steps", shown(w.mean)) };
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
        marks: found.length.iter().map(mark).collect(),
    }
}
