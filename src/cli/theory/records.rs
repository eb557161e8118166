//! `tailcatch theory records`: what it costs to read every new high score, and what that catches.

use super::super::Outcome;
use super::super::console::Console;
use super::super::table::{count, number as shown};
use super::{Answer, PlotArgs, brief, finish, number, whole};
use crate::plots::chart::{Chart, Curve, Mark};
use crate::plots::scale::Kind;
use crate::theory::TheoryError;
use crate::theory::records::{Looks, Records, looked_at};
use clap::Args;

/// How many looks it costs to read every rollout that enters the k highest scores so far
///
/// An auditor that reads records needs no threshold and no fit: if benign scores are exchangeable, the expected number of
/// benign looks is k·(H_N − H_n0), about k·ln(N/n0), whatever their law; with ties broken at random that holds for
/// discrete rewards too. Answers the k that a budget of benign looks buys, how many looks it then costs, and with
/// --score-tail whether a hack is looked at. A confirmed hack leaves the ranking, a benign rollout stays in it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch theory records --rollouts 77600 --reference 20000 --benign-looks 20 --score-tail \
                  1e-4\n  tailcatch theory records --rollouts 19200 --reference 640 --benign-looks 13 --read-reference --plot \
                  records.svg"
)]
pub struct RecordsArgs {
    /// Rollouts in all, those of the reference included
    #[arg(long, value_name = "N", value_parser = whole)]
    rollouts: u64,
    /// The first so many of them are the reference's: they are ranked, and not looked at unless --read-reference is given
    #[arg(long, value_name = "N0", value_parser = whole)]
    reference: u64,
    /// Benign rollouts that may be looked at, in expectation
    #[arg(long, value_name = "A", value_parser = number, allow_negative_numbers = true)]
    benign_looks: f64,
    /// Also read the k highest of the reference first, from the same budget
    #[arg(long)]
    read_reference: bool,
    /// P(a benign score exceeds the hack's): also the probability that the hack is looked at
    #[arg(long, value_name = "S", value_parser = number, allow_negative_numbers = true)]
    score_tail: Option<f64>,
    #[command(flatten)]
    plot: PlotArgs,
}

/// Runs the command.
///
/// # Errors
/// An argument outside its range; a figure that cannot be written.
pub fn run(args: &RecordsArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let records = Records::new(args.rollouts, args.reference, args.read_reference)?;
    let places = records.places(args.benign_looks)?;
    let k = records.whole_places(args.benign_looks)?;
    let looks = records.looks(k);
    let mut answer = Answer::default();
    answer.given("rollouts", args.rollouts);
    answer.given("reference", args.reference);
    answer.given("benign_looks", args.benign_looks);
    answer.given("read_reference", args.read_reference);
    answer.value("k", places, "places in the ranking that the budget buys, as a real number");
    answer.value("k_used", k, "the whole number that is used: at most that, and at least 1");
    answer.value("expected_benign_looks", looks.expected, "benign looks expected with k_used, of any law");
    answer.value("sd", looks.sd, "standard deviation of their number");
    answer.value("reference_looks", looks.reference, "how many of them are at the reference");
    let chances = args.score_tail.map(|tail| {
        answer.given("score_tail", tail);
        Ok::<_, TheoryError>((looked_at(k, args.reference + 1, tail)?, looked_at(k, args.rollouts, tail)?))
    });
    let chances = chances.transpose()?;
    if let Some((first, last)) = chances {
        answer.value(
            "p_looked_at_first",
            first,
            "P(the hack is looked at), sampled first after the reference",
        );
        answer.value("p_looked_at", last, "the same if it is sampled as the last rollout: the lowest");
    }
    answer.finding(finding(args, k, &looks, chances));
    finish(&answer, &args.plot, || chart(args, k, &looks), console)
}

fn finding(args: &RecordsArgs, k: u64, looks: &Looks, chances: Option<(f64, f64)>) -> String {
    let mut text = String::new();
    if looks.expected > args.benign_looks * (1.0 + 1e-9) {
        let (expected, budget) = (shown(looks.expected), brief(args.benign_looks));
        text += &format!("Even one place costs {expected} benign looks, more than the {budget} asked for. ");
    }
    if let Some((first, last)) = chances {
        let (first, last) = (shown(first), shown(last));
        text += &format!(
            "A hack is looked at with probability {first} if it is sampled first, falling to {last} at the last rollout. "
        );
    }
    text += "The number of benign looks holds for benign scores that are exchangeable, whatever their tail. It does not where \
             they drift: a rise of exponential tails by d scales adds up to k·d looks (a normal tail at z sd has a scale of \
             about 1/z sd), and a steady rise makes records for ever. ";
    if args.read_reference {
        text += &format!(
            "Reading the top of the reference costs {} of these looks and removes the hacks that stand there.",
            count(looks.reference as usize)
        );
    } else {
        let top = count(k.min(args.reference) as usize);
        text += &format!(
            "A hack among the reference's {top} highest would hold a place unseen; reading them first (--read-reference) is \
             {top} more."
        );
    }
    text
}

/// Expected benign looks as the rollouts come, for the k that is used, half and twice of it.
fn chart(args: &RecordsArgs, k: u64, looks: &Looks) -> Result<Chart, crate::Error> {
    let (first, last) = (args.reference as f64 + 1.0, args.rollouts as f64);
    let mut ends: Vec<u64> =
        (0..=160).map(|i| (first * (last / first).powf(f64::from(i) / 160.0)).round() as u64).collect();
    ends.dedup();
    let mut places = vec![(k / 2).max(1), k, k.saturating_mul(2)];
    places.dedup();
    let mut curves = Vec::new();
    for places in places {
        let at = |n: &u64| {
            let n = (*n).max(args.reference + 1);
            let looks = Records::new(n, args.reference, args.read_reference)?.looks(places);
            Ok::<_, TheoryError>((n as f64, looks.expected))
        };
        let points = ends.iter().map(at).collect::<Result<_, _>>()?;
        curves.push(Curve { name: format!("k = {places}"), points });
    }
    Ok(Chart {
        title: "Benign looks of an audit that reads every new high score".to_owned(),
        caption: format!(
            "Expected number of benign rollouts that enter the k highest scores so far, after a reference of {}{}. It holds \
             for every law of exchangeable scores. Dot: the k that is used, give or take {}.",
            count(args.reference as usize),
            if args.read_reference { ", whose own top is read first" } else { "" },
            shown(looks.sd)
        ),
        x: ("rollouts, with those of the reference".to_owned(), Kind::Log),
        y: ("expected benign looks".to_owned(), Kind::Linear),
        curves,
        marks: vec![Mark { x: last, y: looks.expected, label: format!("{} looks", shown(looks.expected)) }],
    })
}
