//! Small tables for tests.

use super::Reweighting;
use crate::record::Outcomes;

/// One prompt with these reference masses and rewards, all of the reward being utility.
pub(super) fn table(mass: &[f64], reward: &[f64]) -> Outcomes {
    let n = mass.len();
    Outcomes {
        prompts: 1,
        outcomes: n,
        ref_log_prob: mass.iter().map(|m| m.ln()).collect(),
        utility: reward.to_vec(),
        error: vec![0.0; n],
        class: vec![0; n],
        hack: vec![false; n],
    }
}

/// π of each cell.
pub(super) fn masses(policy: &Reweighting, table: &Outcomes) -> Vec<f64> {
    policy.log_ratio.iter().zip(&table.ref_log_prob).map(|(ratio, log)| (ratio + log).exp()).collect()
}
