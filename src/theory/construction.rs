//! Catastrophic Goodhart by construction: a policy with a large expected error at a tiny KL.
//!
//! Raise the mass that the law of X holds above t to a = t^(−exponent), and leave both sides in their own proportions.
//! Then E\[X\] = a·E\[X | X > t\] + (1 − a)·E\[X | X ≤ t\], and the KL is that of two coin flips, a against s = P(X > t):
//! about a·(ln a − ln s). Where −ln s grows slower than t^exponent the KL goes to 0 while E\[X\] ≥ a·t grows without bound
//! (Kwa, Thomas & Garriga-Alonso 2024, arXiv 2407.14503, theorem 1). An atom at u of prior mass q gains a·u by the same
//! arithmetic, with KL(a‖q) = ε.

use super::TheoryError;
use super::binary::{binary_kl, mass_at_kl};
use super::error::{open_share, positive};
use crate::distributions::{Distribution, Tail};
use std::fmt;

/// What the construction's KL does as its threshold grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TailVerdict {
    /// −ln P(X > t) grows slower than t^exponent: KL → 0 and E\[X\] → ∞.
    Heavy,
    /// Heavier than any exponential, but −ln P(X > t) grows like a power of t at or above the exponent: KL → 0 only for
    /// a larger exponent.
    Stretched,
    /// An exponential tail, for which no exponent below 1 will do: KL → ∞.
    Boundary,
    /// Lighter than exponential, or bounded: KL → ∞, or the construction ends.
    Light,
}

impl TailVerdict {
    /// The verdict on a law's upper tail for an exponent.
    pub fn of(law: &dyn Distribution, exponent: f64) -> Self {
        match law.tail() {
            Tail::Regular { .. } => Self::Heavy,
            Tail::Exponential { .. } => Self::Boundary,
            Tail::Light | Tail::Bounded => Self::Light,
            Tail::Subexponential => {
                // The power of t with which −ln P(X > t) grows, far out: below .02 for any power of ln t.
                let far = |t: f64| (-law.ln_sf(t)).ln();
                let power = (far(1e160) - far(1e80)) / (80.0 * std::f64::consts::LN_10);
                if power < exponent { Self::Heavy } else { Self::Stretched }
            }
        }
    }
}

impl fmt::Display for TailVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Heavy => "heavy: KL goes to 0 as the threshold grows, and E[X] grows without bound",
            Self::Stretched => "heavy, but a stretched exponential: KL goes to 0 only for a larger exponent",
            Self::Boundary => "exponential, the boundary: KL grows with the threshold",
            Self::Light => "light: KL goes to infinity as the threshold grows",
        })
    }
}

/// The construction at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Construction {
    /// The threshold t, in units of reward.
    pub threshold: f64,
    /// P(X > t) under the reference.
    pub mass_before: f64,
    /// P(X > t) under the policy: t^(−exponent).
    pub mass_after: f64,
    /// KL(policy‖reference), in nats.
    pub kl: f64,
    /// E\[X\] under the policy.
    pub error: f64,
    /// E\[X\] under the reference.
    pub error_before: f64,
    /// What happens as t grows.
    pub tail: TailVerdict,
}

/// Raises the mass of `error` above `threshold` to threshold^(−exponent); the usual exponent is .8.
///
/// # Errors
/// A law without a mean; an exponent outside (0, 1); a threshold that is not above 1, that the reference exceeds often
/// enough already, or that it never exceeds.
pub fn construction(
    error: &dyn Distribution,
    threshold: f64,
    exponent: f64,
) -> Result<Construction, TheoryError> {
    open_share("exponent", exponent)?;
    let law = |reason: String| TheoryError::Law { argument: "error", law: format!("{error:?}"), reason };
    let refuse = |range: String| TheoryError::argument("threshold", threshold, range);
    let before = error.mean().ok_or_else(|| {
        law("has no finite mean, so that E[X] is not defined before or after: give a law with a tail index above 1".into())
    })?;
    let mass_after = threshold.powf(-exponent);
    if !(threshold.is_finite() && mass_after < 1.0) {
        return Err(refuse("a finite number above 1, where t^(-exponent) is below 1,".into()));
    }
    let mass_before = error.sf(threshold);
    if mass_before < f64::MIN_POSITIVE {
        return Err(refuse(format!(
            "a smaller number, or a heavier law, because P(X > t) is {mass_before:e} (the law is {}) and no mass \
             can be raised there: one",
            match error.tail() {
                Tail::Bounded => "bounded",
                _ => "not heavy enough",
            }
        )));
    }
    if mass_before >= mass_after {
        return Err(refuse(format!(
            "a larger number, or a smaller exponent, because the reference has P(X > t) = {mass_before} already, no \
             less than t^(-{exponent}) = {mass_after}: one"
        )));
    }
    let upper = error.upper_expectation(threshold).filter(|e| e.is_finite());
    let upper = upper.ok_or_else(|| law("has a tail whose expectation cannot be computed".into()))?;
    let lower = (before - upper) / error.cdf(threshold);
    Ok(Construction {
        threshold,
        mass_before,
        mass_after,
        kl: binary_kl(mass_after, mass_before)?,
        error: mass_after * (upper / mass_before) + (1.0 - mass_after) * lower,
        error_before: before,
        tail: TailVerdict::of(error, exponent),
    })
}

/// An atom whose mass a KL budget raises.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Atom {
    /// Its mass under the reference.
    pub mass_before: f64,
    /// Its mass under the policy.
    pub mass_after: f64,
    /// What the policy gains by it: mass times size, in units of reward.
    pub gain: f64,
}

/// An atom of reward `size` and prior mass `mass`, raised until the KL is `kl` nats.
///
/// # Errors
/// A mass outside (0, 1), a size that is not positive, a KL that is not between 0 and −ln mass.
pub fn atom(mass: f64, size: f64, kl: f64) -> Result<Atom, TheoryError> {
    positive("size", size)?;
    let mass_after = mass_at_kl(mass, kl)?;
    Ok(Atom { mass_before: mass, mass_after, gain: mass_after * size })
}

/// The atom that stands for all of a law's mass above `size`, placed there.
///
/// # Errors
/// As [`atom`], with a mass of 0 where the law has nothing above `size`.
pub fn atom_of(error: &dyn Distribution, size: f64, kl: f64) -> Result<Atom, TheoryError> {
    atom(error.sf(size), size, kl)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;

    fn law(spec: &str) -> DistributionSpec {
        spec.parse().unwrap()
    }
    fn at(spec: &str, threshold: f64) -> Result<Construction, TheoryError> {
        construction(law(spec).part(), threshold, 0.8)
    }

    // Reference values: mpmath at 60 digits.
    #[test]
    fn student_t_with_3_df_has_its_closed_form() {
        for (threshold, error, kl) in [
            (1.5, 1.876961444557517, 1.0056659529505485),
            (10.77, 2.413446922498559, 0.6340832201490062),
            (100.0, 3.7678945056825612, 0.2272433229201299),
            (1e6, 23.7733978869293, 0.00046431677147880385),
        ] {
            let got = at("student_t:df=3", threshold).unwrap();
            assert!((got.error / error - 1.0).abs() < 1e-12, "{got:?}");
            assert!((got.kl / kl - 1.0).abs() < 1e-12, "{got:?}");
            assert_eq!(got.tail, TailVerdict::Heavy);
        }
    }

    #[test]
    fn heavy_tails_cost_less_and_less_and_gain_more_and_more() {
        for spec in
            ["student_t:df=1.5", "student_t:df=8", "log_normal", "pareto", "weibull:shape=0.3", "stable"]
        {
            let mut before = (f64::INFINITY, 0.0);
            for threshold in [1e4, 1e6, 1e8, 1e12] {
                let Ok(got) = at(spec, threshold) else {
                    // The stretched exponential runs out of numbers.
                    assert!(spec.starts_with("weibull") && threshold > 1e8, "{spec} at {threshold}");
                    continue;
                };
                assert!(got.kl < before.0 && got.error > before.1, "{spec}: {got:?}");
                assert_eq!(got.tail, TailVerdict::Heavy, "{spec}");
                before = (got.kl, got.error);
            }
            assert!(before.0 < 0.01, "{spec}: {before:?}");
        }
    }

    #[test]
    fn other_tails_cost_more_and_more() {
        for (spec, tail) in [
            ("normal", TailVerdict::Light),
            ("exponential", TailVerdict::Boundary),
            ("laplace:scale=2", TailVerdict::Boundary),
            ("weibull:shape=0.9", TailVerdict::Stretched),
            ("weibull:shape=2,scale=3", TailVerdict::Light),
        ] {
            let costs: Vec<f64> = [15.0, 25.0, 36.0].map(|t| at(spec, t).unwrap().kl).into();
            assert!(costs[0] < costs[1] && costs[1] < costs[2], "{spec}: {costs:?}");
            assert_eq!(at(spec, 15.0).unwrap().tail, tail, "{spec}");
        }
        assert_eq!(TailVerdict::of(law("weibull:shape=0.9").part(), 0.95), TailVerdict::Heavy);
        assert_eq!(TailVerdict::of(law("log_normal:sigma=8").part(), 0.05), TailVerdict::Heavy);
    }

    #[test]
    fn what_cannot_be_built_says_why() {
        let message = |spec: &str, threshold: f64| at(spec, threshold).unwrap_err().to_string();
        assert!(message("student_t:df=1", 10.0).contains("no finite mean"));
        assert!(message("student_t:df=3", 1.0).contains("above 1"));
        assert!(message("student_t:df=3", f64::NAN).contains("above 1"));
        assert!(message("student_t:df=3", f64::INFINITY).contains("finite"));
        assert!(message("normal", 50.0).contains("heavier law"));
        assert!(message("uniform:low=0,high=9", 10.0).contains("bounded"));
        assert!(message("student_t:df=3,location=100", 50.0).contains("already"));
        let exponent = construction(law("student_t:df=3").part(), 10.0, 1.0).unwrap_err().to_string();
        assert!(exponent.starts_with("exponent is 1;"), "{exponent}");
    }

    // Reference values: mpmath at 60 digits.
    #[test]
    fn an_atom_never_sampled_gains_hundreds() {
        for (spec, mass, gain) in [
            ("student_t:df=3", 1.1026577908396144e-18, 309.8885558461759),
            ("student_t:df=1.5", 3.770852432013216e-10, 741.1976578025335),
            ("log_normal", 1.0274605390204221e-43, 112.49664750764425),
        ] {
            let got = atom_of(law(spec).part(), 1e6, 0.01).unwrap();
            assert!((got.mass_before / mass - 1.0).abs() < 1e-12, "{spec}: {got:?}");
            assert!((got.gain / gain - 1.0).abs() < 1e-12, "{spec}: {got:?}");
        }
        assert!(atom_of(law("normal").part(), 50.0, 0.01).is_err());
        assert!(atom(0.1, -1.0, 0.01).is_err() && atom(0.1, 1.0, 3.0).is_err());
    }
}
