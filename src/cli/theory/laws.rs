//! The laws of utility and error on the command line.

use crate::distributions::{DistributionSpec, Standardize, Standardized};
use crate::theory::TheoryError;
use clap::Args;

/// Whether laws are used as they are written.
#[derive(Debug, Args)]
pub(super) struct StandardizeArgs {
    /// Centre and scale each law first: `sd` for mean 0 and standard deviation 1, `iqr` for median 0 and the
    /// interquartile range of a standard normal
    #[arg(long, value_name = "HOW", default_value = "none", value_parser = how)]
    standardize: Standardize,
}

fn how(text: &str) -> Result<Standardize, String> {
    match text {
        "none" => Ok(Standardize::None),
        "sd" => Ok(Standardize::Sd),
        "iqr" => Ok(Standardize::Iqr),
        _ => Err("none, sd or iqr is needed".to_owned()),
    }
}

impl StandardizeArgs {
    /// A law as it is used.
    pub(super) fn law(
        &self,
        argument: &'static str,
        spec: &DistributionSpec,
    ) -> Result<Standardized, TheoryError> {
        Standardized::new(spec.clone(), self.standardize).map_err(|e| TheoryError::Law {
            argument,
            law: spec.to_string(),
            reason: format!("cannot be standardised: {e}"),
        })
    }

    /// What was asked, in one word.
    pub(super) fn name(&self) -> &'static str {
        match self.standardize {
            Standardize::None => "none",
            Standardize::Sd => "sd",
            Standardize::Iqr => "iqr",
        }
    }
}

/// The error with the law as it was written.
pub(super) fn named(error: TheoryError, law: impl ToString) -> TheoryError {
    match error {
        TheoryError::Law { argument, reason, .. } => {
            TheoryError::Law { argument, law: law.to_string(), reason }
        }
        other => other,
    }
}
