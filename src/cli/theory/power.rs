//! `tailcatch theory power`: would an audit of the top rewards hold the exploit?

use super::super::Outcome;
use super::super::console::Console;
use super::super::table::{count, number as shown};
use super::{Answer, PlotArgs, brief, finish, number, raised, whole};
use crate::distributions::DistributionSpec;
use crate::plots::chart::{Chart, Curve, Mark};
use crate::plots::scale::Kind;
use crate::theory::TheoryError;
use crate::theory::cascade::{ReaderCost, cascade};
use crate::theory::power::{Auditor, Plan, Power, audits};
use clap::Args;

/// Would an audit of the largest rewards hold the exploit?
///
/// Of N rollouts the M with the largest reward are audited. Rewards are N(0, 1) where benign and U where the exploit was
/// taken, each with the noise added. Answers the probability that an exploit is among the audited, and what the smallest
/// budget, mass and size are that reach a target. Up to 12 audits, and without noise up to 500, the ranking is counted
/// exactly; above, the threshold is taken for its expectation. Finding F8.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch theory power --mass 1e-4 --proxy 20 --rollouts 20000 --budget .001 --noise \
                  student_t:df=3\n  tailcatch theory power --mass 1e-5 --proxy 8 --rollouts 76800 --budget 25 --rounds 300 \
                  --sensitivity .8 --specificity .99 --plot power.svg"
)]
pub struct PowerArgs {
    /// Prior mass of the exploit under the policy that is sampled
    #[arg(long, value_name = "Q", value_parser = number, allow_negative_numbers = true)]
    mass: f64,
    /// Its proxy reward, in standard deviations of the benign reward without noise
    #[arg(long, value_name = "U", value_parser = number, allow_negative_numbers = true)]
    proxy: f64,
    /// Rollouts in all
    #[arg(long, value_name = "N", value_parser = number, allow_negative_numbers = true)]
    rollouts: f64,
    /// Audits in all: a fraction of the rollouts (below 1) or a count (1 or more)
    #[arg(long, value_name = "A", value_parser = number, allow_negative_numbers = true)]
    budget: f64,
    /// Noise of every reward, such as student_t:df=3,scale=1 (`tailcatch list distributions`). Default: none
    #[arg(long, value_name = "SPEC")]
    noise: Option<DistributionSpec>,
    /// Steps over which rollouts and audits are spread evenly; each audits the top of its own
    #[arg(long, value_name = "J", value_parser = whole, default_value = "1")]
    rounds: u64,
    /// P(confirmed | an exploit is audited)
    #[arg(long, value_name = "S", value_parser = number, default_value = "1", help_heading = "Auditors that err")]
    sensitivity: f64,
    /// P(not confirmed | a benign rollout is audited)
    #[arg(long, value_name = "F", value_parser = number, default_value = "1", help_heading = "Auditors that err")]
    specificity: f64,
    /// What a look of this auditor costs
    #[arg(long, value_name = "C", value_parser = number, default_value = "1", help_heading = "Auditors that err")]
    cost: f64,
    /// What a look of a cheap auditor costs, who reads first: at the cost of the audits, is that better?
    #[arg(long, value_name = "C", value_parser = number, help_heading = "Auditors that err")]
    screen_cost: Option<f64>,
    /// P(the cheap one confirms | an exploit is read)
    #[arg(long, value_name = "S", value_parser = number, default_value = ".9", help_heading = "Auditors that err")]
    screen_sensitivity: f64,
    /// P(the cheap one does not confirm | a benign rollout is read)
    #[arg(long, value_name = "F", value_parser = number, default_value = ".9", help_heading = "Auditors that err")]
    screen_specificity: f64,
    /// The probability of a flag that the smallest budget, mass and size are to reach
    #[arg(long, value_name = "X", value_parser = number, default_value = ".9")]
    target: f64,
    #[command(flatten)]
    plot: PlotArgs,
}

/// Runs the command.
///
/// # Errors
/// An argument outside its range; a figure that cannot be written.
pub fn run(args: &PowerArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let auditor = Auditor::new(Plan {
        mass: args.mass,
        proxy: args.proxy,
        rollouts: args.rollouts,
        noise: args.noise.clone(),
        rounds: args.rounds,
        sensitivity: args.sensitivity,
        specificity: args.specificity,
    })?;
    let looks = audits(args.budget, args.rollouts)?;
    let found = auditor.power(looks)?;
    let mut answer = Answer::default();
    answer.given("mass", args.mass);
    answer.given("proxy", args.proxy);
    answer.given("rollouts", args.rollouts as u64);
    answer.given("audits", looks);
    answer.given("noise", args.noise.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string));
    answer.given("rounds", args.rounds);
    answer.given("sensitivity", args.sensitivity);
    answer.given("specificity", args.specificity);
    answer.value("p_seen", found.p_seen, "P(the exploit is sampled at all)");
    answer.value("p_flag", found.p_flag, "P(an exploit is among the audited)");
    answer.value("p_confirmed", found.p_confirmed, "P(an exploit is audited and confirmed)");
    answer.value("true_positives", found.true_positives, "expected exploits among the audited");
    answer.value("precision", found.precision, "expected share of exploits among the audited");
    let nothing = || "nothing is confirmed".to_owned();
    let confirmed = found.confirmed_precision.ok_or_else(nothing);
    answer.maybe("confirmed_precision", confirmed, "share of exploits among the confirmed");
    answer.value("threshold", found.threshold, "reward above which rollouts are audited");
    let method = if found.counted { "counted" } else { "expected" };
    answer.value("method", method, "how P(flag) was made: by counting ranks, or at the expected threshold");
    if let Some(cost) = args.screen_cost {
        screened(&mut answer, auditor.plan(), args, cost, looks)?;
    }
    inverse(&mut answer, &auditor, args, looks)?;
    answer.finding(finding(&found));
    finish(&answer, &args.plot, || chart(args, &auditor, &found), console)
}

/// A cheap reader first, at the same cost.
fn screened(
    answer: &mut Answer,
    plan: &Plan,
    args: &PowerArgs,
    cost: f64,
    looks: u64,
) -> Result<(), TheoryError> {
    let cheap =
        ReaderCost { sensitivity: args.screen_sensitivity, specificity: args.screen_specificity, cost };
    let found = cascade(plan, args.cost, cheap, looks)?;
    answer.value(
        "cascade_audits",
        found.cascade.audits,
        "rollouts that the cheap auditor reads at the same cost",
    );
    answer.value(
        "cascade_dear_looks",
        found.dear_looks,
        "expected looks of the dear one, at what the cheap one confirmed",
    );
    answer.value("cascade_p_confirmed", found.cascade.p_confirmed, "P(an exploit is confirmed by both)");
    let best = if found.is_better() { "cascade" } else { "all dear" };
    answer.value("best", best, "which confirms an exploit with the larger probability");
    Ok(())
}

fn inverse(answer: &mut Answer, auditor: &Auditor, args: &PowerArgs, looks: u64) -> Result<(), TheoryError> {
    answer.given("target", args.target);
    let budget = auditor.smallest_budget(args.target)?;
    answer.maybe("smallest_budget", budget, "fewest audits whose P(flag) reaches the target");
    let mass = auditor.smallest_mass(looks, args.target)?;
    answer.maybe("smallest_mass", mass, "smallest prior mass flagged with the target's probability");
    let proxy = auditor.smallest_proxy(looks, args.target)?;
    answer.maybe("smallest_proxy", proxy, "smallest size flagged with it");
    Ok(())
}

fn finding(found: &Power) -> String {
    let audits = if found.audits == 1 {
        "1 audit".to_owned()
    } else {
        format!("{} audits", count(found.audits as usize))
    };
    format!(
        "{audits} hold an exploit with probability {}; it is sampled at all with probability {}.",
        shown(found.p_flag),
        shown(found.p_seen)
    )
}

/// P(flag) against the number of audits, for the asked exploit and others of half and double its size.
fn chart(args: &PowerArgs, auditor: &Auditor, found: &Power) -> Result<Chart, crate::Error> {
    let most = auditor.most_audits() as f64;
    let mut budgets: Vec<u64> = (0..=80).map(|i| most.powf(f64::from(i) / 80.0).round() as u64).collect();
    budgets.dedup();
    let mut curves = Vec::new();
    for factor in [0.5, 1.0, 2.0] {
        let other = auditor.with(args.mass, args.proxy * factor)?;
        let points = budgets.iter().map(|m| Ok((*m as f64, other.flagged(*m)?)));
        let points = points.collect::<Result<_, TheoryError>>()?;
        curves.push(Curve { name: format!("u = {}", brief(args.proxy * factor)), points });
    }
    let noise = args.noise.as_ref().map_or_else(|| "no noise".to_owned(), |law| format!("noise {law}"));
    Ok(Chart {
        title: "Probability that an exploit is among the audited".to_owned(),
        caption: format!(
            "The largest of {} rewards are audited; an exploit has prior mass {} and proxy u; {noise}. No audit exceeds \
             P(sampled) = {}. Dot: the audit asked for.",
            count(args.rollouts as usize),
            raised(args.mass),
            shown(found.p_seen)
        ),
        x: ("audits".to_owned(), Kind::Log),
        y: ("P(flag)".to_owned(), Kind::Linear),
        curves,
        marks: vec![Mark {
            x: found.audits as f64,
            y: found.p_flag,
            label: format!("P = {}", shown(found.p_flag)),
        }],
    })
}
