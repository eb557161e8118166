//! A fixed threshold: the quantile of the reference scores at a nominal rate.

use super::monitor::{Alarm, Monitor, Rows, Watcher};
use super::{calibrated_threshold, comparable};
use crate::foundation::failure::Status;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Alarms are scores s above τ = s\_(k), the k-th largest of the n reference scores, k = ⌊(n + 1)·rate⌋.
///
/// The null: a rollout is exchangeable with those of the reference. Refuses with [`Status::Resolution`] where n + 1 < 1/rate.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Quantile {}

impl Monitor for Quantile {
    fn start(&self, reference: Rows<'_>, rate: f64) -> Result<Box<dyn Watcher>, Status> {
        Ok(Box::new(QuantileWatcher { threshold: calibrated_threshold(reference.scores, rate)? }))
    }
}

struct QuantileWatcher {
    threshold: f64,
}

impl Watcher for QuantileWatcher {
    fn watch(&mut self, rows: Rows<'_>, alarms: &mut Vec<Alarm>) -> Result<(), Status> {
        comparable(rows.scores)?;
        let threshold = self.threshold();
        let above = rows.scores.iter().enumerate().filter(|(_, score)| **score > self.threshold);
        alarms.extend(above.map(|(row, _)| Alarm { row, p_value: None, threshold }));
        Ok(())
    }
    fn threshold(&self) -> Option<f64> {
        Some(self.threshold)
    }
}
