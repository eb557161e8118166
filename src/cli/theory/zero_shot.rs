//! `tailcatch theory zero-shot`: an exploit that training never sampled, and how long until it shows.

use super::super::Outcome;
use super::super::console::Console;
use super::super::table::number as shown;
use super::{Answer, PlotArgs, brief, finish, number};
use crate::plots::chart::{Chart, Curve, Mark};
use crate::plots::scale::Kind;
use crate::theory::TheoryError;
use crate::theory::collision::collision;
use crate::theory::zero_shot::{Jump, ZeroShot};
use clap::Args;

/// An exploit that training never sampled: how long until it shows
///
/// A policy may jump at deployment to trajectories that no training rollout held; then no audit of the training rewards
/// finds them. Answers the samples of the deployed policy until the first catastrophe, until a random audit holds one,
/// until log-ratios tell, and until the same outcome shows twice. Finding F12.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch theory zero-shot --mass 1e-9 --mass-after .01 --training-rollouts 1e7\n  tailcatch \
                  theory zero-shot --mass 1e-9 --mass-after .01 --training-rollouts 1e7 --trigger-frequency .1 --outcomes 500 \
                  --benign-kl 5 --plot jump.svg"
)]
pub struct ZeroShotArgs {
    /// Mass of the exploit under the policy that training sampled
    #[arg(long, value_name = "Q", value_parser = number, allow_negative_numbers = true)]
    mass: f64,
    /// Its mass under the deployed policy, where the trigger is present
    #[arg(long, value_name = "P", value_parser = number, allow_negative_numbers = true)]
    mass_after: f64,
    /// Rollouts of training
    #[arg(long, value_name = "N", value_parser = number, allow_negative_numbers = true)]
    training_rollouts: f64,
    /// Probability with which each answer holds; 1 − C is the level of each test
    #[arg(long, value_name = "C", value_parser = number, default_value = ".95", allow_negative_numbers = true)]
    confidence: f64,
    /// Share of the deployment samples that are audited, at random
    #[arg(long, value_name = "F", value_parser = number, default_value = ".01", allow_negative_numbers = true)]
    audit_fraction: f64,
    /// Share of the deployment samples in which the trigger is present
    #[arg(long, value_name = "F", value_parser = number, default_value = "1", allow_negative_numbers = true)]
    trigger_frequency: f64,
    /// Also the samples until one of so many unknown outcomes was seen twice
    #[arg(long, value_name = "M", value_parser = number, allow_negative_numbers = true)]
    outcomes: Option<f64>,
    /// KL of the deployed policy to the reference without the jump, in nats
    #[arg(long, value_name = "K", value_parser = number, default_value = "0", allow_negative_numbers = true)]
    benign_kl: f64,
    #[command(flatten)]
    plot: PlotArgs,
}

/// Runs the command.
///
/// # Errors
/// An argument outside its range; a figure that cannot be written.
pub fn run(args: &ZeroShotArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let jump = Jump {
        mass: args.mass,
        mass_after: args.mass_after,
        training_rollouts: args.training_rollouts,
        confidence: args.confidence,
        trigger_frequency: args.trigger_frequency,
    };
    let found = jump.answer()?;
    let audited = jump.samples(args.audit_fraction)?;
    let ratio = jump.log_ratio(args.benign_kl)?;
    let mut answer = Answer::default();
    answer.given("mass", args.mass);
    answer.given("mass_after", args.mass_after);
    answer.given("training_rollouts", args.training_rollouts);
    answer.given("confidence", args.confidence);
    answer.given("audit_fraction", args.audit_fraction);
    answer.given("trigger_frequency", args.trigger_frequency);
    answer.given("benign_kl", args.benign_kl);
    answer.value("p_seen", found.p_seen, "P(training sampled the exploit)");
    answer.value(
        "power_bound",
        found.power_bound,
        "largest power of any outlier test on the training rewards, at level 1 − confidence",
    );
    answer.value("kl", found.kl, "divergence of the jump where it happens, in nats");
    answer.value("mass_deployed", found.mass_deployed, "P(a deployment sample is a catastrophe)");
    answer.value(
        "samples_to_first",
        found.samples_to_first,
        "deployment samples until the first catastrophe",
    );
    answer.value("samples_audited", audited, "deployment samples until a random audit holds one");
    answer.value("log_ratio", ratio.log_ratio, "ln(π/π₀) of a catastrophe, in nats");
    answer.value(
        "false_positive_bound",
        ratio.false_positive_bound,
        "most that an alarm there flags of the reference's samples",
    );
    answer.value(
        "benign_alarm_rate",
        ratio.benign_alarm_rate,
        "what it flags of a benign policy's at benign_kl",
    );
    answer.value(
        "benign_reach",
        ratio.benign_reach,
        "log-ratio that a benign policy keeps below until then, in nats",
    );
    let still =
        || "the jump does not raise the mean log-ratio of a policy so far from the reference".to_owned();
    answer.maybe(
        "samples_mean_kl",
        ratio.samples_mean_kl.ok_or_else(still),
        "deployment samples until the mean log-ratio tells",
    );
    if let Some(outcomes) = args.outcomes {
        let twice = collision(found.mass_deployed, outcomes, args.confidence)?;
        answer.given("outcomes", outcomes);
        answer.value(
            "samples_collision",
            twice.samples,
            "deployment samples until an outcome of the exploit was seen twice",
        );
        answer.value(
            "samples_collision_approximation",
            twice.approximation,
            "the same as √(2m·ln 1/δ)/p, from 100 outcomes on",
        );
    }
    let side = if ratio.log_ratio > ratio.benign_reach { "above" } else { "not above" };
    answer.finding(format!(
        "Training sampled it with probability {}, and no audit of its rewards knows more. With probability {} the first \
         catastrophe comes within {} samples, and a random audit has held one within {}. Its log-ratio is {side} what a \
         benign policy at a KL of {} reaches.",
        shown(found.p_seen),
        args.confidence,
        found.samples_to_first.ceil(),
        audited.ceil(),
        args.benign_kl
    ));
    finish(&answer, &args.plot, || chart(args, &jump, &found, audited), console)
}

/// P(first catastrophe found) against the number of deployment samples.
fn chart(args: &ZeroShotArgs, jump: &Jump, found: &ZeroShot, audited: f64) -> Result<Chart, crate::Error> {
    let first = found.samples_to_first;
    let last = audited * 3.0;
    let from = (first / 300.0).max(1.0).min(last / 10.0);
    let samples: Vec<f64> = (0..=160).map(|i| from * (last / from).powf(f64::from(i) / 160.0)).collect();
    let curve = |name: String, fraction: f64| Curve {
        name,
        points: samples.iter().map(|n| (*n, jump.p_found(*n, fraction))).collect(),
    };
    let mut curves = vec![curve("it happened".to_owned(), 1.0)];
    let share = |fraction: f64| format!("{}%", brief((1e6 * fraction).round() / 1e4));
    let mut marks = vec![Mark { x: first, y: args.confidence, label: format!("{} samples", shown(first)) }];
    if args.audit_fraction < 1.0 {
        curves.push(curve(format!("{} audited", share(args.audit_fraction)), args.audit_fraction));
        marks.push(Mark { x: audited, y: args.confidence, label: format!("{} samples", shown(audited)) });
    }
    if let Some(outcomes) = args.outcomes {
        let at = |c: f64| Ok::<_, TheoryError>((collision(found.mass_deployed, outcomes, c)?.samples, c));
        let levels = (1..=24).map(|i| f64::from(i) / 25.0).chain([0.98, 0.99, 0.997, 0.999]);
        let points = levels.map(at).collect::<Result<_, _>>()?;
        curves.push(Curve { name: "an outcome twice".to_owned(), points });
    }
    Ok(Chart {
        title: "When a jump that training never sampled first shows".to_owned(),
        caption: format!(
            "Probability that a catastrophe was found within so many samples of the deployed policy, each of which is one with \
             probability {}. Training sampled it with probability {}. Dots: {} confidence.",
            brief(found.mass_deployed),
            shown(found.p_seen),
            share(args.confidence)
        ),
        x: ("samples of the deployed policy".to_owned(), Kind::Log),
        y: ("P(found)".to_owned(), Kind::Linear),
        curves,
        marks,
    })
}
