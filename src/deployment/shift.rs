//! The contract of what happens to a policy at deployment.

use crate::policies::Snapshot;
use crate::record::Outcomes;
use std::fmt::Debug;

/// How a deployed policy differs from the trained one. It belongs to the laboratory: it may know utility and hacks.
pub trait Shift: Debug + Send + Sync {
    /// ln of the deployed policy's probability of each cell against the trained one's, in nats, up to a constant of each prompt.
    fn log_ratio(&self, table: &Outcomes, policy: &Snapshot) -> Vec<f64>;

    /// The deployed policy.
    fn apply(&self, table: &Outcomes, policy: &Snapshot) -> Snapshot {
        let trained: Vec<f64> = (0..table.len()).map(|cell| policy.log_prob(cell)).collect();
        let mut deployed = Snapshot::default();
        deployed.set_from(&trained, table.outcomes, &self.log_ratio(table, policy));
        deployed
    }
}
