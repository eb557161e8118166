//! One detector on one log: fit on the reference, score step by step, apply the rule.

use crate::detectors::{DetectorSpec, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::record::Observed;
use crate::thresholds::{Null, alert_rate, benjamini_hochberg, budget, conformal_p_values, p_value};
use serde::Serialize;

/// Who is flagged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rule {
    /// A nominal rate of false alarms a rollout.
    AlertRate(f64),
    /// A false discovery rate among the flagged.
    Fdr(f64),
    /// A number of audits for each detector.
    Budget(usize),
}

/// What a threshold is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    /// Flagged at or below.
    PValue,
    /// Flagged above; under a budget at or above.
    Score,
}

/// A flagged rollout.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flag {
    /// Row of the log.
    pub row: usize,
    /// Its score.
    pub score: f64,
    /// Its p-value, where there is one.
    pub p_value: Option<f64>,
    /// Why, with the numbers that decided.
    pub reason: String,
}

/// What a detector said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// The flagged, most suspicious first.
    pub flags: Vec<Flag>,
    /// The threshold in force.
    pub threshold: Option<f64>,
    /// What it is compared with.
    pub unit: Unit,
}

/// Judges `log` by what `reference` shows to be normal; without a reference the log is its own.
pub(super) fn judge(
    spec: &DetectorSpec,
    number: usize,
    log: &Observed,
    reference: Option<&Observed>,
    rule: Rule,
) -> Result<Answer, Status> {
    let calibration = reference.unwrap_or(log);
    let fit = || {
        let mut rng = SeedTree::new(0, 0).stream(Purpose::Detector, number as u64);
        match spec.part().fit(calibration, &mut rng) {
            Fitted::Ready(scorer) => Ok(scorer),
            Fitted::Refused(status) => Err(status),
        }
    };
    let mut scorer = fit()?;
    let (scores, own_p) = score(scorer.as_mut(), log)?;
    let calibration_scores = || match reference {
        Some(reference) => Ok(score(fit()?.as_mut(), reference)?.0),
        None => Ok(scores.clone()),
    };
    let mut p_values = own_p;
    let (flags, unit) = match rule {
        Rule::Budget(audits) => (budget(&scores, audits)?, Unit::Score),
        Rule::AlertRate(rate) => match &p_values {
            Some(p) => (p_value(p, rate)?, Unit::PValue),
            None => (alert_rate(&calibration_scores()?, &scores, rate)?, Unit::Score),
        },
        Rule::Fdr(rate) => match (&p_values, reference) {
            (Some(p), _) => (benjamini_hochberg(p, rate, Null::Parametric)?, Unit::PValue),
            (None, None) => {
                return Err(Status::Degenerate {
                    reason: "it has no p-values of its own, and ranks among the same rollouts decide nothing",
                });
            }
            (None, Some(reference)) => {
                let p = conformal_p_values(&calibration_scores()?, &scores)?;
                let null = Null::Conformal { calibration: reference.len() };
                let flags = benjamini_hochberg(&p, rate, null)?;
                p_values = Some(p);
                (flags, Unit::PValue)
            }
        },
    };
    let found = flags.rows.iter().map(|&row| Flag {
        row,
        score: scores[row],
        p_value: p_values.as_ref().map(|p| p[row]),
        reason: scorer.explain(log, row),
    });
    Ok(Answer { flags: found.collect(), threshold: flags.threshold, unit })
}

/// Scores and p-values of all rows, one batch a step.
fn score(scorer: &mut dyn Scorer, log: &Observed) -> Result<(Vec<f64>, Option<Vec<f64>>), Status> {
    let mut scores = Vec::with_capacity(log.len());
    let mut p_values = Some(Vec::with_capacity(log.len()));
    let mut start = 0;
    for step in log.step.chunk_by(|a, b| a == b) {
        let rows: Vec<usize> = (start..start + step.len()).collect();
        start += step.len();
        let batch = scorer.score(&log.select(&rows))?;
        scores.extend_from_slice(batch.values());
        match (p_values.as_mut(), batch.p_values()) {
            (Some(all), Some(own)) => all.extend_from_slice(own),
            _ => p_values = None,
        }
    }
    Ok((scores, p_values))
}
