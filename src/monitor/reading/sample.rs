//! Completions that are compared with each other.

/// A completion that was looked at.
#[derive(Debug, Clone)]
pub(in crate::monitor) struct Sample {
    /// Its step.
    pub step: u64,
    /// Whether it is listed.
    pub listed: bool,
    pub text: String,
}
