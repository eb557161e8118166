//! Calibration rollouts in three parts, so that nothing is measured on what it was learnt from.

use crate::record::Observed;

/// Calibration rollouts, dealt out.
#[derive(Debug, Clone, Default)]
pub(super) struct Thirds {
    /// What detectors learn from.
    pub fit: Observed,
    /// What sets thresholds.
    pub threshold: Observed,
    /// What alarms are counted on.
    pub evaluation: Observed,
}

impl Thirds {
    /// The first, second and third `share` of `rollouts`.
    pub fn of(rollouts: &Observed, share: usize) -> Self {
        let part = |k: usize| {
            let rows: Vec<usize> = (k * share..(k + 1) * share).filter(|row| *row < rollouts.len()).collect();
            rollouts.select(&rows)
        };
        Self { fit: part(0), threshold: part(1), evaluation: part(2) }
    }
}
