//! Five estimators side by side, and what they allow to say.

use super::{Estimate, GpdFit, default_k, fit_excesses, fit_pwm, hill, kernel, moment, pickands, support};
use crate::foundation::failure::Status;
use crate::foundation::format::table;
use crate::foundation::{numeric, order};
use std::fmt;

/// What the upper tail of a sample looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// Number of values.
    pub n: usize,
    /// Where the tail begins; excesses lie strictly above.
    pub threshold: f64,
    /// Number of excesses.
    pub k: usize,
    /// Hill's estimator on the k largest; always positive, so it cannot show a light tail.
    pub hill: Result<Estimate, Status>,
    /// The moment estimator on the k largest.
    pub moment: Result<Estimate, Status>,
    /// Pickands' estimator at ⌊k/4⌋, so that it reads no further down than the others.
    pub pickands: Result<Estimate, Status>,
    /// The kernel estimator with bandwidth k/n.
    pub kernel: Result<Estimate, Status>,
    /// The generalised Pareto fit of the excesses by maximum likelihood.
    pub gpd: Result<GpdFit, Status>,
    /// The fit by probability-weighted moments, only where the likelihood has no maximum.
    pub gpd_pwm: Option<Result<GpdFit, Status>>,
    /// What follows.
    pub verdict: Verdict,
}

/// What the generalised Pareto fit, the one estimator that is invariant and efficient, allows to say of ξ.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Its interval lies above 0.
    Heavy,
    /// Its interval lies below 0; or the likelihood rises all the way to the edge ξ = −1, and the largest excess is smaller
    /// than an exponential tail allows.
    Light,
    /// It allows ξ = 0.
    Undecided,
    /// Above a higher threshold it says the opposite.
    Unstable {
        /// That threshold.
        threshold: f64,
        /// ξ above it.
        xi: f64,
    },
    /// The sample cannot carry a tail index.
    NotIdentifiable(Status),
}

impl Verdict {
    fn of(gpd: &Result<GpdFit, Status>, tail: &[f64], threshold: f64) -> Self {
        match gpd {
            Ok(fit) if fit.ci_low > 0.0 => Self::Heavy,
            Ok(fit) if fit.ci_high < 0.0 => Self::Light,
            Ok(_) => Self::Undecided,
            Err(Status::Unbounded) if ends_too_early(tail, threshold) => Self::Light,
            Err(Status::Unbounded) => Self::Undecided,
            Err(status) => Self::NotIdentifiable(status.clone()),
        }
    }
}

/// Whether the largest excess is smaller than an exponential tail of the same mean allows: P(max ≤ m) =
/// (1 − e^(−m/mean))ᵏ at most 2.5%. Estimating the mean makes it conservative: of exponential samples 0 (k = 10) to 2%
/// (k = 1000) fail.
fn ends_too_early(descending: &[f64], threshold: f64) -> bool {
    let k = descending.len() as f64;
    let max = descending.first().map_or(0.0, |x| x - threshold);
    let relative_mean = numeric::sum(descending.iter().map(|x| (x - threshold) / max)) / k;
    k * (-(-1.0 / relative_mean).exp()).ln_1p() <= 0.025f64.ln()
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heavy => {
                write!(f, "Heavy-tailed: the generalised Pareto fit's 95% interval for ξ lies above 0.")
            }
            Self::Light => {
                write!(
                    f,
                    "Light-tailed: the generalised Pareto fit leaves no room for ξ of 0 or above at 95%."
                )
            }
            Self::Undecided => {
                write!(f, "Undecided: the generalised Pareto fit allows ξ of 0 at 95%.")
            }
            Self::Unstable { threshold, xi } => write!(
                f,
                "Undecided: ξ depends on the threshold. Above {} it is {}, which contradicts the fit above.",
                table(*threshold),
                table(*xi)
            ),
            Self::NotIdentifiable(
                status @ (Status::Shifted { .. } | Status::Mixture { .. } | Status::Repeated { .. }),
            ) => {
                let text = status.to_string();
                let (first, rest) = text.split_at(1);
                write!(f, "{}{rest}.", first.to_uppercase())
            }
            Self::NotIdentifiable(status) => write!(f, "Not identifiable: {status}."),
        }
    }
}

/// Estimates the extreme-value index of the upper tail of `values`, above `threshold` or the top 5%
/// (see [`default_k`]).
///
/// Where the sample cannot carry an index (discrete, clipped, under 10 excesses), each estimator and the verdict
/// hold that status. Values at the threshold are not excesses, so ties there make k smaller.
///
/// # Errors
/// [`Status::TooFew`] of no value, [`Status::AllTied`] of equal ones, [`Status::Undefined`] where a value is NaN or
/// the largest infinite, or the threshold NaN.
pub fn diagnose(values: &[f64], threshold: Option<f64>) -> Result<Diagnosis, Status> {
    if values.iter().any(|x| x.is_nan()) || threshold.is_some_and(f64::is_nan) {
        return Err(Status::Undefined { reason: "a value or the threshold is NaN" });
    }
    of_descending(&order::descending(values), threshold)
}

/// [`diagnose`] of values that are ordered, the largest first.
pub(super) fn of_descending(descending: &[f64], threshold: Option<f64>) -> Result<Diagnosis, Status> {
    let (Some(&max), Some(&min)) = (descending.first(), descending.last()) else {
        return Err(Status::TooFew { what: "values", have: 0, need: super::MIN_EXCESSES });
    };
    if max == min && descending.len() > 1 {
        return Err(Status::AllTied);
    }
    if max.is_infinite() {
        return Err(Status::Undefined { reason: "the largest value is infinite" });
    }
    let n = descending.len();
    let threshold = threshold.unwrap_or_else(|| descending[default_k(n).min(n - 1)]);
    let k = descending.partition_point(|x| *x > threshold);
    if let Err(status) = support::check_tail(descending, k) {
        return Ok(Diagnosis { threshold, k, ..Diagnosis::refused(n, status) });
    }
    let excesses: Vec<f64> = descending[..k].iter().map(|x| x - threshold).collect();
    let gpd = fit_excesses(&excesses, threshold);
    let gpd_pwm = matches!(gpd, Err(Status::Unbounded)).then(|| fit_pwm(&excesses, threshold));
    Ok(Diagnosis {
        n,
        threshold,
        k,
        hill: hill(descending, k),
        moment: moment(descending, k),
        pickands: pickands(descending, k / 4),
        kernel: kernel(descending, k),
        verdict: Verdict::of(&gpd, &descending[..k], threshold),
        gpd,
        gpd_pwm,
    })
}

impl Diagnosis {
    /// The same sample, with a status in the place of every number.
    pub fn with(self, status: Status) -> Self {
        Self { threshold: self.threshold, k: self.k, ..Self::refused(self.n, status) }
    }

    /// The answer for `n` values that carry no index at all.
    pub fn refused(n: usize, status: Status) -> Self {
        Self {
            n,
            threshold: f64::NAN,
            k: 0,
            hill: Err(status.clone()),
            moment: Err(status.clone()),
            pickands: Err(status.clone()),
            kernel: Err(status.clone()),
            gpd: Err(status.clone()),
            gpd_pwm: None,
            verdict: Verdict::NotIdentifiable(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantiles(n: usize, of: impl Fn(f64) -> f64) -> Vec<f64> {
        (1..=n).map(|i| of((i as f64 - 0.5) / n as f64)).collect()
    }

    #[test]
    fn verdicts_follow_the_tail() {
        let verdict = |values: Vec<f64>| diagnose(&values, None).unwrap().verdict;
        assert_eq!(verdict(quantiles(20_000, |p| p.powf(-0.5))), Verdict::Heavy);
        assert_eq!(verdict(quantiles(20_000, |p| -p.powf(0.5))), Verdict::Light);
        assert_eq!(verdict(quantiles(20_000, |p| -p.ln())), Verdict::Undecided);
        // density rising to its end: the likelihood has no maximum
        assert_eq!(verdict(quantiles(20_000, |p| -p.powf(0.2))), Verdict::Light);
        assert!(matches!(
            verdict(quantiles(100, |p| -p.ln())),
            Verdict::NotIdentifiable(Status::TooFew { .. })
        ));
    }

    /// At ten excesses a third of exponential samples has no maximum: that alone must not be called light.
    #[test]
    fn an_abrupt_end_is_light_only_where_an_exponential_would_not_show_it() {
        let uniform = |k: usize| quantiles(k, |p| -p);
        assert!(ends_too_early(&uniform(50), -1.0) && !ends_too_early(&uniform(10), -1.0));
        assert!(!ends_too_early(&quantiles(1000, |p| -p.ln()), 0.0));
        let short = diagnose(&uniform(10), Some(-1.0)).unwrap();
        assert_eq!((short.gpd, short.verdict), (Err(Status::Unbounded), Verdict::Undecided));
        // the fallback has its own place, and only then
        assert!((short.gpd_pwm.unwrap().unwrap().xi + 1.0).abs() < 0.3);
        assert_eq!(diagnose(&quantiles(2000, |p| -p.ln()), None).unwrap().gpd_pwm, None);
    }

    #[test]
    fn nothing_identifiable_is_said_everywhere() {
        let rewards: Vec<f64> = (0..400).map(|i| f64::from(u8::from(i % 3 == 0))).collect();
        let diagnosis = diagnose(&rewards, None).unwrap();
        let status = Status::Discrete { distinct: 2 };
        assert_eq!(diagnosis.hill, Err(status.clone()));
        assert_eq!(diagnosis.gpd, Err(status.clone()));
        assert_eq!(
            diagnosis.verdict.to_string(),
            "Not identifiable: discrete: 2 distinct values, ξ is not identifiable."
        );
    }

    #[test]
    fn bad_input_is_an_error() {
        assert!(matches!(diagnose(&[], None), Err(Status::TooFew { .. })));
        assert_eq!(diagnose(&[1.0; 50], None), Err(Status::AllTied));
        assert!(matches!(diagnose(&[1.0, f64::NAN], None), Err(Status::Undefined { .. })));
        assert!(matches!(diagnose(&[1.0, f64::INFINITY], None), Err(Status::Undefined { .. })));
        assert!(matches!(diagnose(&[1.0, 2.0], Some(f64::NAN)), Err(Status::Undefined { .. })));
    }

    #[test]
    fn a_threshold_below_everything_leaves_hill_without_an_anchor() {
        let values = quantiles(500, |p| 1.0 + p.powf(-0.5));
        let diagnosis = diagnose(&values, Some(1.0)).unwrap();
        assert_eq!(diagnosis.k, 500);
        assert!(matches!(diagnosis.hill, Err(Status::TooFew { .. })));
        assert!(diagnosis.gpd.is_ok());
    }
}
