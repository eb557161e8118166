//! When a rollout is visited.

/// Whether a visit happens in training or when calibrating, before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A rollout of the policy in training.
    Training,
    /// A rollout of the reference before training.
    Calibration,
}
