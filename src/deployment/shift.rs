//! The contract of what happens to a policy at deployment.

use crate::foundation::numeric::log_sum_exp;
use crate::policies::Snapshot;
use crate::record::Outcomes;
use crate::theory::TheoryError;
use std::fmt::Debug;

/// How a deployed policy differs from the trained one. It belongs to the laboratory: it may know utility and hacks.
pub trait Shift: Debug + Send + Sync {
    /// ln of the deployed policy's probability of each cell against the trained one's, in nats, up to a constant of each prompt;
    /// −∞ where it is 0.
    ///
    /// # Errors
    /// No policy on this table is shifted as far as was asked.
    fn log_ratio(&self, table: &Outcomes, policy: &Snapshot) -> Result<Vec<f64>, TheoryError>;

    /// Whether it moves mass to the hacks, so that something must be one.
    fn needs_hacks(&self) -> bool {
        false
    }

    /// The deployed policy.
    ///
    /// # Errors
    /// As [`Shift::log_ratio`].
    fn apply(&self, table: &Outcomes, policy: &Snapshot) -> Result<Snapshot, TheoryError> {
        let trained: Vec<f64> = (0..table.len()).map(|cell| policy.log_prob(cell)).collect();
        let mut deployed = Snapshot::default();
        deployed.set_from(&trained, table.outcomes, &self.log_ratio(table, policy)?);
        Ok(deployed)
    }
}

/// The log-ratios that give the cells of which `chosen` is true the mass `mass` in every prompt that has any, and leave the
/// odds within them and within the rest as they are: of all policies with that mass the nearest to the trained one.
pub(super) fn give(
    mass: f64,
    table: &Outcomes,
    policy: &Snapshot,
    chosen: impl Fn(usize) -> bool,
) -> Vec<f64> {
    let mut theta = vec![0.0; table.len()];
    for start in (0..table.len()).step_by(table.outcomes.max(1)) {
        let row = start..start + table.outcomes;
        let logs: Vec<f64> =
            row.clone().filter(|&cell| chosen(cell)).map(|cell| policy.log_prob(cell)).collect();
        let before: f64 = logs.iter().map(|log| log.exp()).sum();
        // A mass too small for a number still has a logarithm.
        let ln_before = if before > 0.0 { before.ln() } else { log_sum_exp(&logs) };
        if !logs.is_empty() && ln_before.is_finite() && before < 1.0 {
            let up = if before > 0.0 { (mass / before).ln() } else { mass.ln() - ln_before };
            let down = (-mass).ln_1p() - (-before).ln_1p();
            for cell in row {
                theta[cell] = if chosen(cell) { up } else { down };
            }
        }
    }
    theta
}
