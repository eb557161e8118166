//! Completions that are compared with each other.

/// A completion that was looked at.
#[derive(Debug, Clone)]
pub(in crate::monitor) struct Sample {
    /// Those that it is compared with have the same: its group within the step, else its step.
    pub stratum: u64,
    /// Whether it is listed.
    pub listed: bool,
    pub text: String,
    /// What was asked, where that is known.
    pub prompt: Option<String>,
}
