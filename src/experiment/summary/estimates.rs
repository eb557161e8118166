//! From runs to estimates with intervals, arm by arm. Each row says how its interval was made.
//!
//! Fractions have Wilson intervals; means a percentile bootstrap over replicates; quantities that may lack a mean
//! (heavy-tailed or bimodal ones) also a median with an exact order-statistic interval; windows are Kaplan–Meier.

use super::quantities::{Quantity, Sample};
use crate::foundation::bootstrap::{Bootstrap, Estimate, quantile_interval};
use crate::foundation::failure::Status;
use crate::foundation::numeric::mean;
use crate::foundation::scalar::OpenProbability;
use crate::foundation::wilson::{METHOD, proportion};
use crate::metrics::kaplan_meier::{Duration, kaplan_meier};
use crate::record::tables::SummaryBody;

pub const LEVEL: OpenProbability = OpenProbability::known(0.95);

/// The rows of one arm.
pub fn summarise(quantities: &[Quantity], seed: u64) -> Vec<SummaryBody> {
    let conditioned = quantities.iter().any(|q| matches!(q.sample, Sample::Weighted(_)));
    let one = |quantity: &Quantity| {
        let metric = quantity.metric.clone();
        let row = match &quantity.sample {
            Sample::Weighted(runs) => row(metric, runs.runs.len(), runs.estimate(seed, LEVEL), runs.method()),
            Sample::Mean(values) => averaged(metric, values, seed),
            Sample::Fraction { hits, trials } => fraction(metric, *hits, *trials),
            Sample::Quantile { p, values } => {
                let name = if p.get() == 0.5 {
                    "median".to_owned()
                } else {
                    format!("{}% quantile", p.get() * 100.0)
                };
                let method = format!("{name}, order statistics");
                match quantile_interval(values, *p, LEVEL) {
                    Ok(e) if e.value == f64::INFINITY => SummaryBody {
                        method: format!("insufficient: in too many runs it never came; {method}"),
                        ..row(metric, values.len(), Ok(e), &method)
                    },
                    estimate => row(metric, values.len(), estimate, &method),
                }
            }
            Sample::Survival(durations) => median_duration(metric, durations),
        };
        match &quantity.sample {
            // These have no weights; where runs are conditioned they are of the sighted ones as they are.
            Sample::Quantile { .. } | Sample::Survival(_) if conditioned && row.estimate.is_some() => {
                SummaryBody { method: format!("{}; of the sighted runs", row.method), ..row }
            }
            _ => row,
        }
    };
    quantities.iter().map(one).collect()
}

/// A mean with its bootstrap interval.
fn averaged(metric: String, values: &[f64], seed: u64) -> SummaryBody {
    let ids: Vec<u64> = (0..values.len() as u64).collect();
    let average = |rows: &[usize]| mean(&rows.iter().map(|&i| values[i]).collect::<Vec<_>>());
    let estimate = Bootstrap::new(seed).interval(&ids, average);
    let mut row = row(metric, values.len(), estimate, "mean, percentile bootstrap over replicates");
    row.estimate = mean(values).filter(|c| c.is_finite());
    row
}

fn row(metric: String, replicates: usize, estimate: Result<Estimate, Status>, method: &str) -> SummaryBody {
    let finite = |x: f64| Some(x).filter(|x| x.is_finite());
    match estimate {
        Ok(e) => SummaryBody {
            metric,
            estimate: finite(e.value),
            ci_low: finite(e.interval.low),
            ci_high: finite(e.interval.high),
            replicates,
            method: format!("{method}, 95%"),
        },
        Err(status) => SummaryBody {
            metric,
            estimate: None,
            ci_low: None,
            ci_high: None,
            replicates,
            method: status.to_string(),
        },
    }
}

fn fraction(metric: String, hits: u64, trials: u64) -> SummaryBody {
    match proportion(hits, trials, LEVEL) {
        Ok(p) => {
            let estimate = Estimate { value: p.value, interval: p.interval, n: trials as usize };
            row(metric, trials as usize, Ok(estimate), METHOD)
        }
        Err(status) => row(metric, trials as usize, Err(status), ""),
    }
}

fn median_duration(metric: String, durations: &[Duration]) -> SummaryBody {
    let number = |steps: Option<u64>| steps.map(|s| s as f64);
    match kaplan_meier(durations, LEVEL) {
        Ok(survival) => SummaryBody {
            metric,
            estimate: number(survival.median),
            ci_low: number(survival.median_low),
            ci_high: number(survival.median_high),
            replicates: durations.len(),
            method: format!(
                "Kaplan-Meier, 95%; {} of {} never taken over",
                survival.never.hits, survival.never.trials
            ),
        },
        Err(status) => row(metric, 0, Err(status), ""),
    }
}
