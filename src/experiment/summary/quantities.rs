//! The numbers of an arm: what each is called, from which runs it comes, and what kind of number it is.

use super::deployed;
pub use super::sample::{Judged, Quantity, Sample, WAIT};
use super::sample::{average, share};
use super::weighted::Kind;
use crate::experiment::judging::timeline::has_time;
use crate::foundation::scalar::OpenProbability;
use crate::metrics::end::End;
use crate::metrics::kaplan_meier::Duration;
use crate::metrics::kl_target::KlStatus;
use crate::metrics::outcome::Outcome;
use crate::record::metric::{self, at_budget, by_auditor};
use crate::record::tables::{DetectorBody, ReplicateBody};
use crate::theory::frontier;

/// A number of one run, by name.
type Column = (&'static str, fn(&ReplicateBody) -> Option<f64>);

/// What is averaged over replicates.
const MEANS: [Column; 21] = [
    (metric::UTILITY, |r| r.utility),
    ("clean_utility", |r| r.clean_utility),
    ("population_harm", |r| r.population_harm),
    ("attributable_loss", |r| r.attributable_loss),
    ("attributable_loss_sum", |r| r.attributable_loss_sum),
    ("goodhart_gap", |r| r.goodhart_gap),
    ("clean_goodhart_gap", |r| r.clean_goodhart_gap),
    ("utility_gain", |r| Some(r.utility? - r.reference_utility?)),
    (metric::GAIN, |r| Some((r.utility? - r.reference_utility?) / r.kl.filter(|kl| *kl > 0.0)?.sqrt())),
    (metric::PROXY, |r| r.proxy),
    (metric::KL, |r| r.kl),
    (metric::SWAP_UTILITY, |r| r.swap_utility),
    ("error", |r| r.error),
    ("p_hack", |r| r.p_hack),
    ("hack_share_of_proxy", |r| Some(r.proxy_from_hacks? / r.proxy.filter(|u| *u > 0.0)?)),
    ("recovery", |r| r.recovery),
    ("top_mass", |r| r.top_mass),
    ("condensation", |r| Some(r.beta_critical? * r.kl_max? / r.proxy_max.filter(|u| *u > 0.0)?)),
    ("first_sighting", |r| r.first_sighting.map(|s| s as f64)),
    ("window", |r| r.window.map(|w| w as f64)),
    ("audit_cost", |r| Some(r.audit_cost)),
];

/// Those whose law may have no mean, or two modes.
const MEDIANS: [Column; 4] = [
    ("utility_median", |r| r.utility),
    ("proxy_median", |r| r.proxy),
    ("sightings_before_damage_median", |r| Some(r.sightings_before_damage as f64)),
    (metric::FRONTIER_RATIO, frontier_ratio),
];

/// Largest proxy of the table over the size at which one outcome would supply half of the gain at this KL (F1's
/// collapse variable); for a uniform reference whose largest KL is that of one outcome.
fn frontier_ratio(r: &ReplicateBody) -> Option<f64> {
    let half = frontier::t_star((-r.kl_max?).exp(), r.kl?).ok()?;
    Some(r.proxy_max? / (r.proxy_spread.filter(|s| *s > 0.0)? * half.size))
}

/// A question to one run, by name; `None` where the question does not apply.
type Question = (&'static str, fn(&ReplicateBody) -> Option<bool>);

/// Fractions of runs. Only the first applies to a run of one step, which has no before and after.
const FRACTIONS: [Question; 8] = [
    (SIGHTED, |r| Some(r.first_sighting.is_some())),
    ("damaged", |r| Some(r.damage_step.is_some())),
    ("learned", |r| r.learned),
    ("placebo_damaged", |r| r.placebo_loss.map(|_| r.placebo_damage_step.is_some())),
    ("goodharted", |r| r.goodharted),
    ("taken_over", |r| Some(r.takeover_step.is_some())),
    ("goodhart_onset", |r| Some(r.onset_step.is_some())),
    ("sighted_before_damage", |r| {
        let damage = r.damage_step?;
        Some(r.first_sighting.is_some_and(|seen| seen < damage))
    }),
];

const SIGHTED: &str = "sighted";
/// What only a run that has sighted a hack is taken to do: of runs that are conditioned on a sighting, its share of all runs is
/// told. The other questions are answered for the sighted runs alone.
const NEED_A_SIGHTING: [&str; 4] = [SIGHTED, "damaged", "learned", "taken_over"];

const HALF: OpenProbability = OpenProbability::known(0.5);

/// Names of the numbers that a detector has at a budget.
const OF_DETECTORS: [&str; 15] = [
    "looks",
    "benign_looks",
    metric::CATCH_RATE,
    metric::CAUGHT,
    metric::STEPS_TO_CATCH,
    metric::RANDOM_BASELINE,
    "precision",
    "recall",
    "auroc",
    "average_precision",
    "recall_at_fpr_1e3",
    "false_positive_rate",
    "honest_flag_rate",
    "latency",
    "clean_alarm",
];

/// Names of the numbers that some arm may have, those of detectors without detector and budget.
pub fn names() -> Vec<String> {
    let own = MEANS.iter().chain(&MEDIANS).map(|(name, _)| (*name).to_owned());
    let own = own.chain(FRACTIONS.iter().map(|(name, _)| (*name).to_owned()));
    let own =
        own.chain(["window_median", metric::STEPS_TO_SIGHTING, metric::KL_TARGET_MISSED].map(str::to_owned));
    let own = own.chain(Outcome::ALL.iter().map(|outcome| format!("outcome_{outcome}")));
    let own = own.chain(End::ALL.iter().map(|end| format!("end_{end}")));
    own.chain(OF_DETECTORS.iter().chain(&deployed::NAMES).map(|name| (*name).to_owned())).collect()
}

/// Every number of one arm, in the order of the summary.
pub fn quantities(runs: &[&Judged]) -> Vec<Quantity> {
    let replicates: Vec<&ReplicateBody> = runs.iter().map(|run| &run.replicate).collect();
    let mut all = Vec::new();
    let mut add = |metric: &str, sample| all.push(Quantity { metric: metric.to_owned(), sample });
    for (name, column) in MEANS {
        if let Some(sample) = average(replicates.iter().filter_map(|r| Some((column(r)?, r.p_seen)))) {
            add(name, sample);
        }
    }
    for (name, column) in MEDIANS {
        let values: Vec<f64> = replicates.iter().filter_map(|r| column(r)).collect();
        if !values.is_empty() {
            add(name, Sample::Quantile { p: HALF, values });
        }
    }
    let held = || replicates.iter().filter_map(|r| Some((r.kl_status.as_deref()?, r.p_seen)));
    if held().next().is_some() {
        let missed = held().map(|(status, p_seen)| (status != KlStatus::Ok.name(), p_seen));
        add(metric::KL_TARGET_MISSED, share(Kind::Among, missed));
    }
    let timed = runs.iter().any(|run| has_time(run.steps));
    for (name, question) in FRACTIONS.into_iter().take(if timed { FRACTIONS.len() } else { 1 }) {
        let answers = replicates.iter().filter_map(|r| Some((question(r)?, r.p_seen)));
        let kind = if NEED_A_SIGHTING.contains(&name) { Kind::Joint } else { Kind::Among };
        let seen: Vec<f64> = replicates.iter().filter_map(|r| r.p_seen).collect();
        // Of conditioned runs, every one sighted a hack: what is asked is how many others would not have.
        add(
            name,
            if name == SIGHTED && !seen.is_empty() { Sample::Mean(seen) } else { share(kind, answers) },
        );
    }
    if timed {
        for outcome in Outcome::ALL {
            let answers = replicates.iter().map(|r| (r.outcome == outcome.name(), r.p_seen));
            add(&format!("outcome_{outcome}"), share(Kind::Joint, answers));
        }
        for end in End::ALL {
            let answers = replicates.iter().map(|r| (r.end == end.name(), r.p_seen));
            add(&format!("end_{end}"), share(Kind::Joint, answers));
        }
        add("window_median", Sample::Survival(windows(runs)));
        add(metric::STEPS_TO_SIGHTING, waits(replicates.iter().map(|r| r.first_sighting)));
    }
    all.extend(detectors(runs, timed));
    all.extend(deployed::quantities(runs));
    all
}

/// Steps up to and with the one at which something happened first; +∞ where it never did.
fn waits(first: impl Iterator<Item = Option<u64>>) -> Sample {
    let values = first.map(|step| step.map_or(f64::INFINITY, |s| s as f64 + 1.0)).collect();
    Sample::Quantile { p: WAIT, values }
}

/// From first sighting to exploit dominance; runs without it are censored, not dropped.
fn windows(runs: &[&Judged]) -> Vec<Duration> {
    let one = |run: &&Judged| {
        let r = &run.replicate;
        match (r.window, r.first_sighting, r.takeover_step) {
            (Some(steps), ..) => Some(Duration { steps, observed: true }),
            (None, Some(seen), None) => {
                Some(Duration { steps: run.steps.saturating_sub(seen), observed: false })
            }
            _ => None,
        }
    };
    runs.iter().filter_map(one).collect()
}

/// The detectors' numbers, in the order of the first run's rows.
fn detectors(runs: &[&Judged], timed: bool) -> Vec<Quantity> {
    let Some(first) = runs.first() else { return Vec::new() };
    let mut all = Vec::new();
    for (place, head) in first.detectors.iter().enumerate() {
        let of_runs: Vec<(&DetectorBody, Option<f64>)> =
            runs.iter().filter_map(|run| Some((run.detectors.get(place)?, run.replicate.p_seen))).collect();
        let mut add = |name: &str, sample| {
            let metric = match head.budget {
                Some(budget) => at_budget(name, &head.detector, budget),
                None => by_auditor(name, &head.detector, &head.auditor),
            };
            all.push(Quantity { metric, sample });
        };
        let in_time = of_runs.iter().filter_map(|(d, p_seen)| Some((d.caught_in_time?, *p_seen)));
        add(metric::CATCH_RATE, share(Kind::Among, in_time));
        let looked = || of_runs.iter().filter(|(d, _)| d.precision.is_some());
        if looked().next().is_some() {
            add(
                metric::CAUGHT,
                share(Kind::Joint, looked().map(|(d, p_seen)| (d.first_catch.is_some(), *p_seen))),
            );
            if timed {
                add(metric::STEPS_TO_CATCH, waits(looked().map(|(d, _)| d.first_catch)));
            }
        }
        let mut average = |name: &str, column: fn(&DetectorBody) -> Option<f64>| {
            let values = of_runs.iter().filter_map(|(d, p_seen)| Some((column(d)?, *p_seen)));
            if let Some(sample) = super::sample::average(values) {
                add(name, sample);
            }
        };
        average(metric::RANDOM_BASELINE, |d| d.random_baseline);
        average("precision", |d| d.precision);
        average("recall", |d| d.recall);
        average("auroc", |d| d.auroc);
        average("average_precision", |d| d.average_precision);
        average("recall_at_fpr_1e3", |d| d.recall_at_fpr_1e3);
        average("false_positive_rate", |d| d.false_positive_rate);
        average("honest_flag_rate", |d| d.honest_flag_rate);
        average("latency", |d| d.latency.map(|l| l as f64));
        average("looks", |d| d.looks.map(|l| l as f64));
        average("benign_looks", |d| d.benign_looks.map(|l| l as f64));
        let alarmed = || of_runs.iter().filter_map(|(d, p_seen)| Some((d.clean_alarm?, *p_seen)));
        if alarmed().next().is_some() {
            add("clean_alarm", share(Kind::Among, alarmed()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_count_the_step_itself_and_what_never_came_is_infinite() {
        let found = waits([Some(0), Some(4), None].into_iter());
        assert_eq!(found, Sample::Quantile { p: WAIT, values: vec![1.0, 5.0, f64::INFINITY] });
        let answers = [true, false, true].into_iter().map(|answer| (answer, None));
        assert_eq!(share(Kind::Joint, answers), Sample::Fraction { hits: 2, trials: 3 });
    }

    #[test]
    fn names_are_those_that_the_summary_may_hold() {
        let names = names();
        for name in
            ["utility", "frontier_ratio_median", "sighted", "outcome_never_caught", "caught", "latency"]
        {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
        let mut once = names.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), names.len());
    }
}
