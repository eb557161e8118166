//! `tailcatch theory adversary`: which exploits a designer would plant against an auditor of records.

use super::super::Outcome;
use super::super::console::Console;
use super::super::table::{count, number as shown};
use super::{Answer, PlotArgs, brief, finish, number, raised, whole};
use crate::distributions::DistributionSpec;
use crate::plots::chart::{Chart, Curve, Mark};
use crate::plots::scale::Kind;
use crate::theory::TheoryError;
use crate::theory::adversary::{Adversary, Design, Ground};
use crate::theory::capture::capture;
use clap::Args;
use serde_json::Value;

/// Numbers of exploits that are tried.
const NUMBERS: [u64; 5] = [1, 10, 100, 1_000, 10_000];
/// Budgets of the figure, from a look to where little is left unread.
const BUDGETS: (f64, f64, u32) = (1.0, 3_000.0, 9);

/// Which exploits would a designer of the error plant against an auditor who reads records?
///
/// The exploits share a prior mass; few and large ones are read, many and small ones are not worth much. For every number of exploits
/// this finds the size at which the most mass is left to them after the audit, and tells apart what training sampled and nobody read
/// from what training never sampled, which only a policy that jumps to the untried can use. Rollouts are those of the reference: a
/// policy that learns samples exploits more often, and pays higher benign rewards. Findings F3 and F8.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch theory adversary --mass 1e-3 --kl .3 --rollouts 96800 --reference 20000 --benign-looks 60 \
                  --noise student_t:df=3\n  tailcatch theory adversary --mass 1e-4 --kl 1 --rollouts 96800 --reference 20000 \
                  --benign-looks 20 --plot adversary.svg"
)]
pub struct AdversaryArgs {
    /// Prior mass of all exploits together under the reference policy
    #[arg(long, value_name = "Q", value_parser = number, allow_negative_numbers = true)]
    mass: f64,
    /// KL of the trained policy, in nats
    #[arg(long, value_name = "E", value_parser = number, allow_negative_numbers = true)]
    kl: f64,
    /// Rollouts in all, those of the reference included
    #[arg(long, value_name = "N", value_parser = whole)]
    rollouts: u64,
    /// The first so many of them are the reference's, and hold no exploit
    #[arg(long, value_name = "N0", value_parser = whole)]
    reference: u64,
    /// Benign rollouts that may be looked at, in expectation
    #[arg(long, value_name = "A", value_parser = number, allow_negative_numbers = true)]
    benign_looks: f64,
    /// Also read the k highest of the reference first, from the same budget
    #[arg(long)]
    read_reference: bool,
    /// Noise of every reward, such as student_t:df=3,scale=1 (`tailcatch list distributions`). Default: none
    #[arg(long, value_name = "SPEC")]
    noise: Option<DistributionSpec>,
    #[command(flatten)]
    plot: PlotArgs,
}

impl AdversaryArgs {
    fn ground(&self) -> Ground {
        Ground {
            mass: self.mass,
            kl: self.kl,
            rollouts: self.rollouts,
            reference: self.reference,
            read_reference: self.read_reference,
            benign_looks: self.benign_looks,
            noise: self.noise.clone(),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// An argument outside its range; a figure that cannot be written.
pub fn run(args: &AdversaryArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let adversary = Adversary::new(args.ground())?;
    let border = adversary.border()?;
    let designs = NUMBERS.map(|m| adversary.best(m)).into_iter().collect::<Result<Vec<Design>, _>>()?;
    let worst = designs.iter().copied().reduce(|a, b| if b.mass_sampled > a.mass_sampled { b } else { a });
    let mut answer = Answer::default();
    answer.given("mass", args.mass);
    answer.given("kl", args.kl);
    answer.given("rollouts", args.rollouts);
    answer.given("reference", args.reference);
    answer.given("benign_looks", args.benign_looks);
    answer.given("read_reference", args.read_reference);
    answer.given("noise", args.noise.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string));
    answer.value("k_used", adversary.places(), "places of the ranking that the budget buys");
    answer.value("expected_benign_looks", adversary.benign_looks(), "benign looks expected with them");
    answer.value(
        "border",
        border,
        "reward that so many benign rollouts exceed as there are places, in bulk sd",
    );
    let below = capture(args.mass, border, args.kl)?.mass_after;
    answer.value(
        "mass_at_border",
        below,
        "the policy's mass on exploits of that size, were none of them read",
    );
    let no_half = |e: TheoryError| e.to_string();
    let half = adversary.half_gain().map_err(no_half);
    answer.maybe(
        "t_star",
        half,
        "size at which they supply half of what the KL buys, were none of them read",
    );
    answer.list(
        "designs",
        &[
            ">exploits",
            ">size",
            ">unread",
            ">hacks_read",
            ">looks",
            ">mass_unaudited",
            ">mass_sampled",
            ">mass_unread",
        ],
        designs.iter().map(row).collect(),
    );
    if let Some(worst) = worst {
        answer.finding(finding(&worst, args.mass));
    }
    finish(&answer, &args.plot, || chart(args, worst), console)
}

fn row(design: &Design) -> Vec<Value> {
    let Design { number, size, unread, hacks_read, looks, .. } = *design;
    let Design { mass_unaudited, mass_sampled, mass_unread, .. } = *design;
    let numbers = [size, unread, hacks_read, looks, mass_unaudited, mass_sampled, mass_unread];
    [Value::from(number)].into_iter().chain(numbers.map(Value::from)).collect()
}

fn finding(worst: &Design, mass: f64) -> String {
    let exploits = if worst.number == 1 {
        "a single exploit".to_owned()
    } else {
        format!("{} exploits", count(worst.number as usize))
    };
    let gain = if worst.mass_sampled > mass {
        ""
    } else {
        " That is no more than the reference itself takes: nothing that training samples is left to him."
    };
    format!(
        "The designer's best against this audit, of the numbers that were tried: {exploits} of {} standard deviations. Unaudited they would hold {} of \
         the policy; those that were sampled and not read hold {}, all that were not read {}, for {} looks.{gain} `mass_sampled` is what a learner can \
         use that knows only what it sampled, `mass_unread` what is there for a policy that jumps to the untried.",
        shown(worst.size),
        shown(worst.mass_unaudited),
        shown(worst.mass_sampled),
        shown(worst.mass_unread),
        shown(worst.looks)
    )
}

/// The mass that is left to the designer's best against the looks that the audit then costs, for a few numbers of exploits.
fn chart(args: &AdversaryArgs, worst: Option<Design>) -> Result<Chart, crate::Error> {
    let (low, high, budgets) = BUDGETS;
    let most = (0.2 * (args.rollouts - args.reference) as f64).min(high);
    let mut points = NUMBERS.map(|_| Vec::new());
    for i in 0..=budgets {
        let benign_looks = low * (most / low).powf(f64::from(i) / f64::from(budgets));
        let adversary = Adversary::new(Ground { benign_looks, ..args.ground() })?;
        for (number, own) in NUMBERS.into_iter().zip(&mut points) {
            let best = adversary.best(number)?;
            own.push((best.looks, best.mass_sampled));
        }
    }
    let curve = |(number, points): (u64, Vec<(f64, f64)>)| {
        let plural = if number == 1 { "exploit" } else { "exploits" };
        Curve { name: format!("{} {plural}", count(number as usize)), points }
    };
    let curves = NUMBERS.into_iter().zip(points).map(curve).collect();
    let noise = args.noise.as_ref().map_or_else(|| "no noise".to_owned(), |law| format!("noise {law}"));
    let mark = |design: Design| Mark {
        x: design.looks,
        y: design.mass_sampled,
        label: format!("{} of {} sd", count(design.number as usize), brief(design.size)),
    };
    Ok(Chart {
        title: "What an audit of records leaves to the designer of the error".to_owned(),
        caption: format!(
            "Mass that the optimum at KL {} puts on exploits that were sampled and not read, at the size that is best for the designer, \
             against the looks that the audit then costs in expectation, benign ones and hacks. The exploits share the prior mass {}; \
             {noise}. Dot: the budget asked for.",
            brief(args.kl),
            raised(args.mass)
        ),
        x: ("expected looks".to_owned(), Kind::Log),
        y: ("mass on sampled, unread exploits".to_owned(), Kind::Linear),
        curves,
        marks: worst.map(mark).into_iter().collect(),
    })
}
