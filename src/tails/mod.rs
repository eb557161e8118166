//! How heavy is the upper tail? Estimators of the extreme-value index ξ, and what they may be asked.
//!
//! ξ = 1/α: positive is heavy (regularly varying with tail index α), 0 is exponential-like, negative ends at a
//! finite point. [`diagnose`] puts five estimators side by side, because each is blind somewhere: Hill is always
//! positive and cannot show ξ ≤ 0; Hill, the moment and the kernel estimator change when a constant is added to the values;
//! Pickands is invariant but noisy; the generalised Pareto fit is invariant and efficient but has no maximum
//! where the tail stops abruptly: there probability-weighted moments take its place, under their own name. [`double_bootstrap`]
//! says how many values the first three should use, [`tail_by_step`] whether the tail changes during training. Data that cannot carry an index (discrete, clipped, too few) get a
//! [`crate::foundation::failure::Status`] in the place of a number.
//!
//! Source for all of it: de Haan & Ferreira, *Extreme Value Theory*, Springer 2006, ch. 3.

mod apart;
mod by_step;
mod curves;
mod diagnosis;
mod double_bootstrap;
mod gpd;
mod gpd_law;
mod gpd_profile;
mod gpd_search;
mod gpd_window;
mod hill;
mod kernel;
mod moment;
mod pickands;
mod pooled;
mod pwm;
mod resampling;
mod shift;
pub mod support;
mod threshold;

pub use apart::{Apart, apart};
pub use by_step::{StepWindow, Trend, tail_by_step, trend};
pub use curves::{
    Excess, HillPlot, QqPoint, StabilityPoint, hill_plot, mean_excess, parameter_stability, qq_exponential,
    qq_gpd,
};
pub use diagnosis::{Diagnosis, Verdict, diagnose};
pub use double_bootstrap::{DoubleBootstrap, Tuned, double_bootstrap};
pub use gpd::{GpdFit, fit_excesses, fit_gpd, gpd_shape};
pub use gpd_law::Gpd;
pub use gpd_window::GpdWindow;
pub use hill::hill;
pub use kernel::kernel;
pub use moment::moment;
pub use pickands::pickands;
pub use pooled::{diagnose_log, rests_on, thresholds};
pub use pwm::fit_pwm;
pub use shift::{Level, Shift, shift};
pub use threshold::{MAX_TAIL, TAIL_FRACTION, default_k};

/// Fewest excesses for which a tail index is reported.
pub const MIN_EXCESSES: usize = 10;

/// Two-sided 95% quantile of the standard normal.
const Z95: f64 = 1.959_963_984_540_054;

/// An extreme-value index with its 95% interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// ξ = 1/α.
    pub xi: f64,
    /// Lower end of the 95% interval.
    pub ci_low: f64,
    /// Upper end of the 95% interval.
    pub ci_high: f64,
    /// The k that the estimator was given, in its own convention: upper order statistics above the threshold for
    /// Hill and moment; Pickands reads the k-th, 2k-th and 4k-th largest.
    pub k: usize,
}

impl Estimate {
    /// ξ ± 1.96·√(variance/k): the interval of an asymptotically normal estimator.
    fn normal(xi: f64, variance: f64, k: usize) -> Self {
        let half = Z95 * (variance / k as f64).sqrt();
        Self { xi, ci_low: xi - half, ci_high: xi + half, k }
    }
}
