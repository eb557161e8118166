//! What a training run leaves, and how it is kept in a record.

use super::policy_value::Expectations;
use super::sighting::Sighting;
use crate::experiment::store::features;
use crate::experiment::store::rows;
use crate::experiment::store::{Record, StoreError};
use crate::record::tables::{ObservedBody, StepBody, TruthBody};
use crate::record::{DISAGREEMENT, GRADIENT_NORM, Observed, Truth};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a training run leaves: one row a step, every rollout, and the numbers of the final policy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trained {
    /// One row a step (`clean_utility` absent).
    pub steps: Vec<StepBody>,
    /// Every rollout, in order.
    pub observed: Observed,
    /// Its hidden side.
    pub truth: Truth,
    /// The final policy and the table.
    pub last: Final,
    /// ln(π/π₀) of each cell of the trained policy, where it is to be deployed under monitors: a record of its own.
    pub policy: Option<Vec<f64>>,
}

/// Exact numbers of the final policy and of the replicate's table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Final {
    /// What the policy is worth.
    pub policy: Expectations,
    /// KL coefficient, where the policy has one.
    pub kl_coefficient: Option<f64>,
    /// E_π₀\[V\].
    pub reference_utility: f64,
    /// E_π₀\[U\].
    pub reference_proxy: f64,
    /// E_π₀\[U·1(hack)\].
    #[serde(default)]
    pub reference_proxy_from_hacks: f64,
    /// Attributable loss of the reference: what hacks cost before training.
    #[serde(default)]
    pub reference_loss: f64,
    /// The same of placebos.
    #[serde(default)]
    pub reference_placebo_loss: f64,
    /// Largest E\[V\] of any policy within the final policy's KL; `None` without a table.
    pub best_utility: Option<f64>,
    /// Interquartile range of U over the outcomes, divided by that of N(0, 1): a standard deviation that always exists.
    pub reference_spread: f64,
    /// The same of V.
    pub reference_utility_spread: f64,
    /// Largest U of the table, or of a sample of the reference.
    pub proxy_max: f64,
    /// Largest KL that a tilt of the table can reach; `None` without one.
    pub kl_max: Option<f64>,
    /// β at which the most rewarded outcome holds half of the mass; `None` for sampled trainers.
    pub beta_critical: Option<f64>,
    /// The first sighting, where the run is conditioned on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sighting: Option<Sighting>,
}

impl Trained {
    /// The run as a record.
    pub fn to_record(&self) -> Result<Record, csv::Error> {
        let mut record = Record::default();
        record.push("final.json", serde_json::to_vec(&self.last).map_err(std::io::Error::from)?);
        record.push("steps.csv", rows::encode(&self.steps)?);
        record.push("observed.csv", rows::encode(&self.observed_rows())?);
        record.push("truth.csv", rows::encode(&self.truth_rows())?);
        if let Some(table) = features::encode(&self.observed)? {
            record.push(features::SECTION, table);
        }
        Ok(record)
    }

    /// Reads a record back; `path` is named where a section cannot be read.
    pub fn from_record(record: &Record, path: &Path) -> Result<Self, StoreError> {
        let observed: Vec<ObservedBody> = section(record, path, "observed.csv")?;
        let truth: Vec<TruthBody> = section(record, path, "truth.csv")?;
        let steps = section(record, path, "steps.csv")?;
        let last = record.section("final.json").unwrap_or_default();
        let last = serde_json::from_slice(last).map_err(|e| damaged(path, "final.json", e.to_string()))?;
        let mut observed = columns(&observed);
        if let Some(table) = record.section(features::SECTION) {
            let read = features::decode(table, observed.len());
            let read = read.map_err(|problem| damaged(path, features::SECTION, problem))?;
            // In the order of a run: what has a column of its own comes last.
            observed.features.splice(0..0, read);
        }
        Ok(Self { steps, observed, truth: hidden(&truth), last, policy: None })
    }

    fn observed_rows(&self) -> Vec<ObservedBody> {
        let o = &self.observed;
        let cell = |column: &Option<Vec<f64>>, row: usize| column.as_ref().map(|c| c[row]);
        let feature = |own: &str| o.features.iter().find(|(name, _)| name == own).map(|(_, column)| column);
        let (disagreement, gradient) = (feature(DISAGREEMENT), feature(GRADIENT_NORM));
        (0..o.len())
            .map(|row| ObservedBody {
                step: o.step[row],
                trajectory: o.trajectory[row],
                outcome: o.outcome[row],
                prompt: o.prompt[row],
                group: o.group[row],
                proxy: o.proxy[row],
                reward: cell(&o.reward, row),
                advantage: cell(&o.advantage, row),
                log_prob: cell(&o.log_prob, row),
                ref_log_prob: cell(&o.ref_log_prob, row),
                length: cell(&o.length, row),
                disagreement: disagreement.map(|column| column[row]),
                gradient_norm: gradient.map(|column| column[row]),
            })
            .collect()
    }

    fn truth_rows(&self) -> Vec<TruthBody> {
        let t = &self.truth;
        (0..t.len())
            .map(|row| TruthBody {
                trajectory: self.observed.trajectory[row],
                utility: t.utility[row],
                error: t.error[row],
                class: t.class[row],
                hack: t.hack[row],
            })
            .collect()
    }
}

fn damaged(path: &Path, section: &'static str, problem: String) -> StoreError {
    StoreError::Section { path: path.to_owned(), section, problem }
}

/// The rows of one section.
pub fn section<T: DeserializeOwned>(
    record: &Record,
    path: &Path,
    name: &'static str,
) -> Result<Vec<T>, StoreError> {
    let bytes = record.section(name).ok_or_else(|| damaged(path, name, "it is missing".to_owned()))?;
    rows::decode(bytes).map_err(|e| damaged(path, name, e.to_string()))
}

fn columns(rows: &[ObservedBody]) -> Observed {
    let column = |get: fn(&ObservedBody) -> Option<f64>| rows.iter().map(get).collect::<Option<Vec<f64>>>();
    Observed {
        step: rows.iter().map(|r| r.step).collect(),
        trajectory: rows.iter().map(|r| r.trajectory).collect(),
        outcome: rows.iter().map(|r| r.outcome).collect(),
        prompt: rows.iter().map(|r| r.prompt).collect(),
        group: rows.iter().map(|r| r.group).collect(),
        proxy: rows.iter().map(|r| r.proxy).collect(),
        reward: column(|r| r.reward),
        advantage: column(|r| r.advantage),
        log_prob: column(|r| r.log_prob),
        ref_log_prob: column(|r| r.ref_log_prob),
        length: column(|r| r.length),
        features: [(DISAGREEMENT, column(|r| r.disagreement)), (GRADIENT_NORM, column(|r| r.gradient_norm))]
            .into_iter()
            .filter_map(|(name, column)| Some((name.to_owned(), column.filter(|c| !c.is_empty())?)))
            .collect(),
        ..Observed::default()
    }
}

fn hidden(rows: &[TruthBody]) -> Truth {
    Truth {
        utility: rows.iter().map(|r| r.utility).collect(),
        error: rows.iter().map(|r| r.error).collect(),
        class: rows.iter().map(|r| r.class).collect(),
        hack: rows.iter().map(|r| r.hack).collect(),
    }
}
