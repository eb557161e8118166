//! From runs to estimates with intervals, arm by arm. Each row says how its interval was made.
//!
//! Fractions have Wilson intervals; means a percentile bootstrap over replicates; quantities that may lack a mean
//! (heavy-tailed or bimodal ones) also a median with an exact order-statistic interval; windows are Kaplan–Meier.

use super::timeline::has_time;
use crate::foundation::bootstrap::{Bootstrap, Estimate, quantile_interval};
use crate::foundation::failure::Status;
use crate::foundation::numeric::mean;
use crate::foundation::scalar::OpenProbability;
use crate::metrics::false_alarm;
use crate::metrics::kaplan_meier::{Duration, kaplan_meier};
use crate::metrics::outcome::Outcome;
use crate::metrics::wilson::proportion;
use crate::record::metric::{self, at_budget};
use crate::record::tables::{DetectorRow, ReplicateRow, SummaryRow};

const LEVEL: OpenProbability = OpenProbability::known(0.95);
const HALF: OpenProbability = OpenProbability::known(0.5);

/// One judged run.
#[derive(Debug)]
pub(super) struct Judged {
    pub replicate: ReplicateRow,
    pub detectors: Vec<DetectorRow>,
    /// Steps of the run.
    pub steps: u64,
}

/// A number of one run, by name.
type Quantity = (&'static str, fn(&ReplicateRow) -> Option<f64>);

/// What is averaged over replicates.
const MEANS: [Quantity; 12] = [
    (metric::UTILITY, |r| r.utility),
    ("clean_utility", |r| r.clean_utility),
    ("harm", |r| Some(r.clean_utility? - r.utility?)),
    ("utility_gain", |r| Some(r.utility? - r.reference_utility?)),
    ("gain_per_root_kl", |r| Some((r.utility? - r.reference_utility?) / r.kl.filter(|kl| *kl > 0.0)?.sqrt())),
    (metric::PROXY, |r| r.proxy),
    (metric::KL, |r| r.kl),
    ("p_hack", |r| r.p_hack),
    ("top_mass", |r| r.top_mass),
    ("condensation", |r| Some(r.beta_critical? * r.kl_max? / r.proxy_max.filter(|u| *u > 0.0)?)),
    ("first_sighting", |r| r.first_sighting.map(|s| s as f64)),
    ("window", |r| r.window.map(|w| w as f64)),
];

/// Those whose law may have no mean, or two modes.
const MEDIANS: [Quantity; 3] = [
    ("utility_median", |r| r.utility),
    ("proxy_median", |r| r.proxy),
    ("sightings_before_damage_median", |r| Some(r.sightings_before_damage as f64)),
];

/// A question to one run, by name; `None` where the question does not apply.
type Question = (&'static str, fn(&ReplicateRow) -> Option<bool>);

/// Fractions of runs. Only the first applies to a run of one step, which has no before and after.
const FRACTIONS: [Question; 5] = [
    ("sighted", |r| Some(r.first_sighting.is_some())),
    ("damaged", |r| Some(r.damage_step.is_some())),
    ("taken_over", |r| Some(r.takeover_step.is_some())),
    ("goodhart_onset", |r| Some(r.onset_step.is_some())),
    ("sighted_before_damage", |r| {
        let damage = r.damage_step?;
        Some(r.first_sighting.is_some_and(|seen| seen < damage))
    }),
];

/// The rows of one arm.
pub(super) fn summarise(runs: &[&Judged], seed: u64) -> Vec<SummaryRow> {
    let mut rows = Vec::new();
    let replicates: Vec<&ReplicateRow> = runs.iter().map(|run| &run.replicate).collect();
    for (name, quantity) in MEANS {
        let values: Vec<f64> = replicates.iter().filter_map(|r| quantity(r)).collect();
        rows.extend(averaged(name.to_owned(), &values, seed));
    }
    for (name, quantity) in MEDIANS {
        let values: Vec<f64> = replicates.iter().filter_map(|r| quantity(r)).collect();
        let estimate = quantile_interval(&values, HALF, LEVEL);
        rows.push(row(name.to_owned(), values.len(), estimate, "median, order statistics"));
    }
    let timed = runs.iter().any(|run| has_time(run.steps));
    for (name, question) in FRACTIONS.into_iter().take(if timed { FRACTIONS.len() } else { 1 }) {
        let answers: Vec<bool> = replicates.iter().filter_map(|r| question(r)).collect();
        rows.push(fraction(name.to_owned(), &answers));
    }
    if timed {
        for outcome in Outcome::ALL {
            let answers: Vec<bool> = replicates.iter().map(|r| r.outcome == outcome.name()).collect();
            rows.push(fraction(format!("outcome_{outcome}"), &answers));
        }
        rows.push(window_median(runs));
    }
    rows.extend(detectors(runs, seed));
    rows
}

/// A mean with its bootstrap interval; nothing where no run has a value.
fn averaged(name: String, values: &[f64], seed: u64) -> Option<SummaryRow> {
    let centre = mean(values)?;
    let ids: Vec<u64> = (0..values.len() as u64).collect();
    let average = |rows: &[usize]| mean(&rows.iter().map(|&i| values[i]).collect::<Vec<_>>());
    let estimate = Bootstrap::new(seed).interval(&ids, average);
    let mut row = row(name, values.len(), estimate, "mean, percentile bootstrap over replicates");
    row.estimate = Some(centre).filter(|c| c.is_finite());
    Some(row)
}

fn row(metric: String, replicates: usize, estimate: Result<Estimate, Status>, method: &str) -> SummaryRow {
    let finite = |x: f64| Some(x).filter(|x| x.is_finite());
    match estimate {
        Ok(e) => SummaryRow {
            arm: 0,
            metric,
            estimate: finite(e.value),
            ci_low: finite(e.interval.low),
            ci_high: finite(e.interval.high),
            replicates,
            method: format!("{method}, 95%"),
        },
        Err(status) => SummaryRow {
            arm: 0,
            metric,
            estimate: None,
            ci_low: None,
            ci_high: None,
            replicates,
            method: status.to_string(),
        },
    }
}

fn fraction(name: String, answers: &[bool]) -> SummaryRow {
    let hits = answers.iter().filter(|a| **a).count() as u64;
    match proportion(hits, answers.len() as u64, LEVEL) {
        Ok(p) => {
            let estimate = Estimate { value: p.value, interval: p.interval, n: answers.len() };
            row(name, answers.len(), Ok(estimate), p.method)
        }
        Err(status) => row(name, answers.len(), Err(status), ""),
    }
}

/// Median of the window from first sighting to takeover; runs never taken over are censored, not dropped.
fn window_median(runs: &[&Judged]) -> SummaryRow {
    let durations: Vec<Duration> = runs
        .iter()
        .filter_map(|run| {
            let r = &run.replicate;
            match (r.window, r.first_sighting, r.takeover_step) {
                (Some(steps), ..) => Some(Duration { steps, observed: true }),
                (None, Some(seen), None) => {
                    Some(Duration { steps: run.steps.saturating_sub(seen), observed: false })
                }
                _ => None,
            }
        })
        .collect();
    let number = |steps: Option<u64>| steps.map(|s| s as f64);
    match kaplan_meier(&durations, LEVEL) {
        Ok(survival) => SummaryRow {
            arm: 0,
            metric: "window_median".to_owned(),
            estimate: number(survival.median),
            ci_low: number(survival.median_low),
            ci_high: number(survival.median_high),
            replicates: durations.len(),
            method: format!(
                "Kaplan-Meier, 95%; {} of {} never taken over",
                survival.never.hits, survival.never.trials
            ),
        },
        Err(status) => row("window_median".to_owned(), 0, Err(status), ""),
    }
}

/// The detectors' numbers, in the order of the first run's rows.
fn detectors(runs: &[&Judged], seed: u64) -> Vec<SummaryRow> {
    let Some(first) = runs.first() else { return Vec::new() };
    let mut rows = Vec::new();
    for (place, head) in first.detectors.iter().enumerate() {
        let of_runs: Vec<&DetectorRow> = runs.iter().filter_map(|run| run.detectors.get(place)).collect();
        let named = |name: &str| at_budget(name, &head.detector, head.budget);
        let caught: Vec<bool> = of_runs.iter().filter_map(|d| d.caught_in_time).collect();
        rows.push(fraction(named(metric::CATCH_RATE), &caught));
        let mut average = |name: &str, column: fn(&DetectorRow) -> Option<f64>| {
            let values: Vec<f64> = of_runs.iter().filter_map(|d| column(d)).collect();
            rows.extend(averaged(named(name), &values, seed));
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
        let alarmed: Vec<bool> = of_runs.iter().filter_map(|d| d.clean_alarm).collect();
        if !alarmed.is_empty() {
            let estimate = false_alarm::run_level(&alarmed, LEVEL).map(|p| Estimate {
                value: p.value,
                interval: p.interval,
                n: alarmed.len(),
            });
            rows.push(row(named("clean_alarm"), alarmed.len(), estimate, "Wilson or rule of three"));
        }
    }
    rows
}
