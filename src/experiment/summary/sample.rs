//! What a number of an arm is made from: the runs that were judged, and samples of them.

use super::weighted::{Kind, Weighted};
use crate::foundation::scalar::OpenProbability;
use crate::metrics::kaplan_meier::Duration;
use crate::record::tables::{DeploymentBody, DetectorBody, ReplicateBody};

/// One judged run.
#[derive(Debug)]
pub struct Judged {
    /// Its arm.
    pub arm: usize,
    /// Its replicate.
    pub number: u64,
    pub replicate: ReplicateBody,
    pub detectors: Vec<DetectorBody>,
    /// What each monitor of the deployed policy told.
    pub deployment: Vec<DeploymentBody>,
    /// Steps of the run.
    pub steps: u64,
}

/// What one number is made from; a run to which the question does not apply has no part in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// Averaged over replicates.
    Mean(Vec<f64>),
    /// Share of replicates.
    Fraction {
        /// Those in which it came true.
        hits: u64,
        /// Those asked.
        trials: u64,
    },
    /// Quantile over replicates; what never came is +∞.
    Quantile {
        /// Which.
        p: OpenProbability,
        /// One value a replicate.
        values: Vec<f64>,
    },
    /// Median of durations of which some were still running at the end.
    Survival(Vec<Duration>),
    /// A mean or a share of runs that are conditioned on a sighting.
    Weighted(Weighted),
}

/// A sample by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// Name in `summary.csv`.
    pub metric: String,
    /// What it is made from.
    pub sample: Sample,
}

/// The level of the waiting times: 95% of the runs waited no longer.
pub const WAIT: OpenProbability = OpenProbability::known(0.95);

/// A mean over runs, each with its P_seen where it is conditioned; `None` without any.
pub fn average(values: impl Iterator<Item = (f64, Option<f64>)>) -> Option<Sample> {
    let (mut plain, mut runs) = (Vec::new(), Vec::new());
    for (value, p_seen) in values {
        match p_seen {
            Some(p_seen) => runs.push((p_seen, value)),
            None => plain.push(value),
        }
    }
    match (plain.is_empty(), runs.is_empty()) {
        (true, true) => None,
        (_, false) => Some(Sample::Weighted(Weighted { kind: Kind::Mean, runs })),
        (false, true) => Some(Sample::Mean(plain)),
    }
}

/// A share of runs, likewise; `kind` is what is made of conditioned ones.
pub fn share(kind: Kind, answers: impl Iterator<Item = (bool, Option<f64>)>) -> Sample {
    let (mut hits, mut trials, mut runs) = (0, 0, Vec::new());
    for (answer, p_seen) in answers {
        hits += u64::from(answer);
        trials += 1;
        runs.extend(p_seen.map(|p_seen| (p_seen, f64::from(u8::from(answer)))));
    }
    if runs.is_empty() {
        Sample::Fraction { hits, trials }
    } else {
        Sample::Weighted(Weighted { kind, runs })
    }
}
