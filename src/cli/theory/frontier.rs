//! `tailcatch theory frontier`: how large a rare exploit must be to matter.

use super::super::Outcome;
use super::super::console::Console;
use super::super::table::number as shown;
use super::{Answer, PlotArgs, brief, finish, number, raised};
use crate::plots::chart::{Chart, Curve, Mark};
use crate::plots::scale::Kind;
use crate::theory::TheoryError;
use crate::theory::condensation::{critical_size, safe_clip};
use crate::theory::frontier::{Frontier, HalfGain, KlCap, leading_order, t_star, t_star_exact};
use crate::theory::influence::Trainer;
use clap::Args;
use serde_json::Value;

/// The share of the policy that a safe clip leaves an exploit.
const SAFE_SHARE: f64 = 0.01;

/// How large a rare exploit must be to supply half of the proxy's gain
///
/// An exploit that the reference policy takes with a small probability matters under a KL budget only if its reward is
/// T* standard deviations above the rest, and what must be so large stands out. With normalised advantages it does not
/// help to be larger still: the table says how far one sighting moves the policy, and how many it takes. Findings F2, F3
/// and F13.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch theory frontier --mass 1e-4 --kl 1\n  tailcatch theory frontier --mass 1/3000 \
                  --kl .1 --threshold 10 --plot frontier.svg\n  tailcatch theory frontier --mass 1e-5 --kl 1 --beta .1 --json"
)]
pub struct FrontierArgs {
    /// Prior mass of the exploit under the reference policy
    #[arg(long, value_name = "Q", value_parser = number, allow_negative_numbers = true)]
    mass: f64,
    /// KL budget, in nats
    #[arg(long, value_name = "E", value_parser = number, allow_negative_numbers = true)]
    kl: f64,
    /// Also at a fixed KL coefficient, in bulk sd: the size that takes the policy over, and a safe clip
    #[arg(long, value_name = "B", value_parser = number, allow_negative_numbers = true)]
    beta: Option<f64>,
    /// Also the KL up to which a flag above this reward, in bulk sd, keeps exploits from supplying half
    #[arg(long, value_name = "Z", value_parser = number, allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// Rollouts a step of the trainers
    #[arg(long, value_name = "N", value_parser = number, default_value = "256", help_heading = "Trainers")]
    batch: f64,
    /// Rollouts of a prompt, for GRPO
    #[arg(long, value_name = "N", value_parser = number, default_value = "8", help_heading = "Trainers")]
    group: f64,
    /// Step of the logits per sample: learning rate / batch
    #[arg(long, value_name = "A", value_parser = number, default_value = ".05", help_heading = "Trainers")]
    step_size: f64,
    #[command(flatten)]
    plot: PlotArgs,
}

/// Runs the command.
///
/// # Errors
/// An argument outside its range; a figure that cannot be written.
pub fn run(args: &FrontierArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let at = t_star(args.mass, args.kl)?;
    let exact = t_star_exact(args.mass, args.kl)?;
    let frontier = Frontier::new(args.mass)?;
    let mut answer = Answer::default();
    answer.given("mass", args.mass);
    answer.given("kl", args.kl);
    answer.value(
        "t_star",
        at.size,
        "size at which the exploit supplies half of the proxy's gain, in bulk sd",
    );
    answer.value("t_star_exact", exact.size, "the same without the closed form's approximation");
    answer.value("mass_after", at.mass_after, "the exploit's mass under the optimised policy");
    answer.value("bulk_mean", at.bulk_mean, "mean reward of the rest under it, in bulk sd");
    let leading = leading_order(args.mass, at.mass_after, args.kl);
    answer.value("leading_order", leading, "√(3/2ε)·ln(p/q), for small q and ε");
    let rare = || "T* has no floor: the mass is no rare exploit's".to_owned();
    let floor = frontier.floor.map(|f| f.size).ok_or_else(rare);
    answer.maybe("floor", floor, "smallest T* over all KL budgets, about √(2·ln 1/q)");
    if let Some(threshold) = args.threshold {
        answer.given("threshold", threshold);
        answer.maybe(
            "kl_cap",
            cap(&frontier, threshold)?,
            "KL up to which the threshold keeps exploits from half, in nats",
        );
    }
    if let Some(beta) = args.beta {
        answer.given("beta", beta);
        answer.value(
            "u_c",
            critical_size(args.mass, beta)?,
            "size that takes half of the policy at this β, in bulk sd",
        );
        let clip = if args.mass < SAFE_SHARE {
            Ok(safe_clip(args.mass, beta, SAFE_SHARE)?)
        } else {
            Err("the exploit holds 1% under the reference already".to_owned())
        };
        answer.maybe(
            "safe_clip",
            clip,
            "clip of the reward that leaves any exploit 1% of the policy at most, in bulk sd",
        );
    }
    let sightings = trainers(&mut answer, args, at)?;
    answer.finding(format!(
        "An exploit that the reference takes once in {} rollouts supplies half of the gain at this KL if its reward is {} \
         standard deviations. Sightings until then: about {} under REINFORCE, {} under GRPO.",
        brief(1.0 / args.mass),
        shown(at.size),
        sightings.0,
        sightings.1
    ));
    finish(&answer, &args.plot, || chart(args, at), console)
}

fn cap(frontier: &Frontier, threshold: f64) -> Result<Result<f64, String>, TheoryError> {
    let peak = frontier.peak.map_or(0.0, |p| p.size);
    Ok(match frontier.kl_cap(threshold)? {
        KlCap::Below(kl) => Ok(kl),
        KlCap::Always => Err("the threshold is below the floor, so that it blocks at every KL".to_owned()),
        KlCap::Never => Err(format!("T* is at most {}, below the threshold at every KL", shown(peak))),
        KlCap::NotRare => Err("T* does not fall with KL: the mass is no rare exploit's".to_owned()),
    })
}

/// A row for each trainer; gives the sightings under REINFORCE and GRPO.
fn trainers(answer: &mut Answer, args: &FrontierArgs, at: HalfGain) -> Result<(f64, f64), TheoryError> {
    let log_odds = |p: f64| (p / (1.0 - p)).ln();
    let way = log_odds(at.mass_after) - log_odds(args.mass);
    let mut rows: Vec<Vec<Value>> = Vec::new();
    let mut counts = Vec::new();
    let batch = args.batch;
    let all = [
        Trainer::Reinforce,
        Trainer::Normalised { batch },
        Trainer::Ppo { batch },
        Trainer::Grpo { group: args.group },
    ];
    for trainer in all {
        let growth = trainer.growth(at.size, args.step_size)?;
        let count = (way / growth).ceil().max(1.0);
        let row: [Value; 4] = [
            trainer.advantage(at.size)?.into(),
            trainer.bound().into(),
            growth.into(),
            (count as u64).into(),
        ];
        rows.push([Value::from(trainer.name())].into_iter().chain(row).collect());
        counts.push(count);
    }
    let columns = ["trainer", ">advantage", ">largest_advantage", ">logit_per_sighting", ">sightings"];
    answer.list("trainers", &columns, rows);
    Ok((counts[0], counts[3]))
}

/// T* against KL for a few masses and the asked one.
fn chart(args: &FrontierArgs, at: HalfGain) -> Result<Chart, crate::Error> {
    let (low, high) = (args.kl.min(0.01).ln(), args.kl.max(10.0).ln());
    let kls: Vec<f64> = (0..=120).map(|i| (low + (high - low) * f64::from(i) / 120.0).exp()).collect();
    let mut masses = vec![1e-2, 1e-3, 1e-4, 1e-6, 1e-8];
    if masses.iter().all(|q: &f64| (q / args.mass - 1.0).abs() > 1e-9) {
        masses.push(args.mass);
        masses.sort_by(|a, b| b.total_cmp(a));
    }
    let mut curves = Vec::new();
    for mass in masses {
        let points = kls.iter().map(|kl| Ok((*kl, t_star(mass, *kl)?.size)));
        let points = points.collect::<Result<_, TheoryError>>()?;
        curves.push(Curve { name: format!("q = {}", raised(mass)), points });
    }
    Ok(Chart {
        title: "How large an exploit must be to supply half of the proxy's gain".to_owned(),
        caption: "Size T* of an exploit of prior mass q at which it supplies half of the proxy's gain of the policy that is \
                  optimal under a KL budget. Below its line an exploit moves the policy less than the rest of the rewards do; \
                  on it, it stands out by as many standard deviations. Dot: the exploit asked for."
            .to_owned(),
        x: ("KL budget ε (nats)".to_owned(), Kind::Log),
        y: ("T* (bulk sd)".to_owned(), Kind::Log),
        curves,
        marks: vec![Mark { x: args.kl, y: at.size, label: format!("T* = {}", shown(at.size)) }],
    })
}
