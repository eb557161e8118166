//! Rows of the summary: estimates, what they were held against, and the points of two figures.

use serde::{Deserialize, Serialize};

table! {
    /// One number of the summary: an estimate, its interval, and how the interval was made. The sweep's keys stand
    /// between `arm` and `metric`.
    SummaryRow in "summary.csv" {
        /// Number of the arm in the plan.
        arm: usize,
    }
    SummaryBody {
        /// What is estimated; detector metrics are `catch_rate[detector@budget]`.
        metric: String,
        /// The estimate.
        estimate: Option<f64>,
        /// Lower end.
        ci_low: Option<f64>,
        /// Upper end.
        ci_high: Option<f64>,
        /// Replicates behind it.
        replicates: usize,
        /// How estimate and interval were made, or the status that stands in their place.
        method: String,
    }
}

/// Verdict of a [`CheckRow`] whose numbers agree.
pub const AGREES: &str = "agrees";
/// Verdict of a [`CheckRow`] whose numbers differ.
pub const DIFFERS: &str = "differs";
/// Relative difference that rounding and root finding may leave between two exact numbers.
pub const ROUNDING: f64 = 1e-6;
/// Source of a [`CheckRow`] whose expected number is the largest size allowed.
pub const BOUND: &str = "bound";
/// Source of a [`CheckRow`] whose expected number is the least allowed.
pub const LOWER_BOUND: &str = "lower bound";

table! {
    /// One number held against what theory or a publication expects. The sweep's keys stand between `arm` and `metric`.
    CheckRow in "checks.csv" {
        /// Number of the arm in the plan; empty where a check goes over several arms.
        arm: Option<usize>,
    }
    CheckBody {
        /// What is compared; as in `summary.csv`.
        metric: String,
        /// What the runs gave.
        found: Option<f64>,
        /// Its standard error.
        found_error: Option<f64>,
        /// What was expected.
        expected: Option<f64>,
        /// Its standard error; 0 for a closed form.
        expected_error: Option<f64>,
        /// Largest difference that counts as agreement.
        allowed: Option<f64>,
        /// agrees, differs, or why there is no comparison.
        verdict: String,
        /// Replicates behind what was found.
        replicates: usize,
        /// Where the expectation comes from.
        source: String,
        /// How it was compared.
        method: String,
    }
}

impl CheckRow {
    /// Whether what was expected is a bound on either side.
    pub fn is_bound(&self) -> bool {
        [BOUND, LOWER_BOUND].contains(&self.source.as_str())
    }

    /// found − expected in combined standard errors; `None` where a number or an error is missing, for a bound, and where the
    /// errors are no more than rounding.
    pub fn standard_errors(&self) -> Option<f64> {
        if self.is_bound() {
            return None;
        }
        let error = self.found_error?.hypot(self.expected_error?);
        let difference = self.found? - self.expected?;
        let exact = error <= ROUNDING * self.expected?.abs().max(ROUNDING);
        if exact { None } else { Some(difference / error).filter(|z| z.is_finite()) }
    }
}

table! {
    /// One point of the empirical survival function of the proxy reward, for the survival figure.
    SurvivalRow in "survival.csv" {
        /// Number of the arm in the plan.
        arm: usize,
    }
    SurvivalBody {
        /// `reference` (rollouts of π₀) or `training`.
        series: String,
        /// Proxy reward u.
        proxy: f64,
        /// Share of the rollouts with U > u.
        survival: f64,
        /// The same under the fitted generalised Pareto tail; empty below its threshold.
        gpd_fit: Option<f64>,
    }
}

table! {
    /// One point of a Hill plot.
    HillRow in "hill.csv" {
        /// Number of the arm in the plan.
        arm: usize,
    }
    HillBody {
        /// Upper order statistics used.
        k: usize,
        /// Hill's estimate of the tail index ξ = 1/α.
        xi: f64,
        /// Lower end of its interval.
        ci_low: Option<f64>,
        /// Upper end of its interval.
        ci_high: Option<f64>,
    }
}
