//! What tilting can refuse.

use crate::theory::TheoryError;

/// Why there is no tilt.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TiltError {
    /// No policy on this table is that far from the reference while maximising U.
    #[error(
        "infeasible: a KL budget of {budget} nats, but the largest KL of a tilt of this table is {largest}; choose a smaller budget"
    )]
    Infeasible {
        /// What was asked, in nats.
        budget: f64,
        /// −ln π₀(argmax U), mean over prompts, in nats.
        largest: f64,
    },
    /// β is not a positive finite number.
    #[error("a KL coefficient of {beta}; a finite number above 0 is needed")]
    Coefficient {
        /// What was given.
        beta: f64,
    },
    /// A β at which U/β would overflow.
    #[error("a KL coefficient of {beta}; at least {smallest:e} is needed for rewards of this size")]
    Overflow {
        /// What was given.
        beta: f64,
        /// The smallest β that is accepted on this table.
        smallest: f64,
    },
    /// A KL budget that is not a finite number above what rounding hides.
    #[error("a KL budget of {budget} nats; a finite number of at least {smallest:e} is needed")]
    Budget {
        /// What was given.
        budget: f64,
        /// The smallest budget that is accepted.
        smallest: f64,
    },
    /// A table that is no policy with rewards.
    #[error(transparent)]
    Table(TheoryError),
}

impl From<TiltError> for TheoryError {
    fn from(error: TiltError) -> Self {
        let (budget, beta) = ("the KL budget", "the KL coefficient");
        match error {
            TiltError::Infeasible { budget: value, largest } => {
                Self::argument(budget, value, format!("less than {largest}, the largest KL on this table,"))
            }
            TiltError::Coefficient { beta: value } => Self::argument(beta, value, "a finite number above 0"),
            TiltError::Overflow { beta: value, smallest } => {
                Self::argument(beta, value, format!("at least {smallest:e}, for rewards of this size,"))
            }
            TiltError::Budget { budget: value, smallest } => {
                Self::argument(budget, value, format!("a finite number of at least {smallest:e}"))
            }
            TiltError::Table(error) => error,
        }
    }
}
