//! What a closed form can refuse: the argument, its value, and what would be accepted.

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TheoryError {
    /// An argument outside its range.
    #[error("{argument} is {value}; {range} is needed")]
    Argument {
        /// The argument, as the caller knows it.
        argument: &'static str,
        /// What was given.
        value: f64,
        /// What is accepted, in words.
        range: String,
    },
    /// A law that cannot carry the question.
    #[error("{argument}: {law} {reason}")]
    Law {
        /// The argument, as the caller knows it.
        argument: &'static str,
        /// The law.
        law: String,
        /// Why not, and what to give instead.
        reason: String,
    },
}

impl TheoryError {
    /// An argument outside its range.
    pub(crate) fn argument(argument: &'static str, value: f64, range: impl Into<String>) -> Self {
        Self::Argument { argument, value, range: range.into() }
    }
}

/// The value, if `holds`; NaN must make `holds` false.
pub(crate) fn require(
    argument: &'static str,
    value: f64,
    holds: bool,
    range: &str,
) -> Result<f64, TheoryError> {
    if holds { Ok(value) } else { Err(TheoryError::argument(argument, value, range)) }
}

/// A mass strictly between 0 and 1.
pub(crate) fn open_share(argument: &'static str, value: f64) -> Result<f64, TheoryError> {
    require(argument, value, value > 0.0 && value < 1.0, "a number strictly between 0 and 1")
}

/// A finite number above 0.
pub(crate) fn positive(argument: &'static str, value: f64) -> Result<f64, TheoryError> {
    require(argument, value, value > 0.0 && value.is_finite(), "a finite number above 0")
}
