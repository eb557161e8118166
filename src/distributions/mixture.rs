//! A weighted mixture of laws: contamination, or a bulk with a tail of its own.

use super::invert::decreasing_root;
use super::{Distribution, DistributionSpec, Tail};
use crate::foundation::numeric::log_sum_exp;
use crate::foundation::rng::Stream;
use crate::foundation::scalar::Positive;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// A mixture: each draw comes from one component, chosen with probability proportional to its weight; P(X > x) = Σ wᵢ·Pᵢ(X > x)/Σ wᵢ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mixture {
    /// The components, at least one; weights need not sum to 1.
    #[serde(deserialize_with = "at_least_one")]
    #[schemars(length(min = 1))]
    components: Vec<Component>,
}

/// One law of a mixture and its share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Relative weight.
    pub weight: Positive,
    /// The law.
    pub law: DistributionSpec,
}

/// A mixture that has no draws.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MixtureError {
    /// No component was given.
    #[error("a mixture needs at least one component {{ weight, law }}")]
    Empty,
    /// The weights sum beyond the largest number.
    #[error("the weights of the mixture sum to infinity: scale them down")]
    Overflow,
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Component>, D::Error> {
    Mixture::new(Vec::deserialize(deserializer)?).map(|m| m.components).map_err(serde::de::Error::custom)
}

impl Mixture {
    /// A mixture of at least one component.
    pub fn new(components: Vec<Component>) -> Result<Self, MixtureError> {
        let mixture = Self { components };
        match mixture.total() {
            0.0 => Err(MixtureError::Empty),
            total if total.is_infinite() => Err(MixtureError::Overflow),
            _ => Ok(mixture),
        }
    }

    /// The components.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    fn total(&self) -> f64 {
        self.components.iter().map(|c| c.weight.get()).sum()
    }

    /// Σ share·value over the components.
    fn average(&self, value: impl Fn(&dyn Distribution) -> f64) -> f64 {
        let total = self.total();
        self.components.iter().map(|c| c.weight.get() / total * value(c.law.part())).sum()
    }

    /// Σ share·value where every component has one.
    fn average_of(&self, value: impl Fn(&dyn Distribution) -> Option<f64>) -> Option<f64> {
        let total = self.total();
        self.components
            .iter()
            .map(|c| value(c.law.part()).map(|v| c.weight.get() / total * v))
            .sum::<Option<f64>>()
            .filter(|v| v.is_finite())
    }

    /// Solves tail(x) = p between the smallest and the largest quantile of the components. `sign` is 1 where the
    /// tail falls with x (sf), −1 where it rises (cdf).
    fn solve(
        &self,
        p: f64,
        sign: f64,
        end: impl Fn(&dyn Distribution) -> f64,
        tail: impl Fn(f64) -> f64,
    ) -> f64 {
        let ends = self.components.iter().map(|c| end(c.law.part()));
        let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        if low >= high {
            return low;
        }
        let (low, high) = (low.max(-f64::MAX), high.min(f64::MAX));
        // x = unit·sinh(s): linear near 0, logarithmic far out, whatever the scale.
        let unit = low.abs().min(high.abs()).max(1e-300 * low.abs().max(high.abs()));
        let ln_p = p.ln();
        let s = decreasing_root((low / unit).asinh(), (high / unit).asinh(), f64::NAN, |s| {
            let x = unit * s.sinh();
            let t = tail(x);
            let per_s = unit * s.cosh();
            (sign * (t.ln() - ln_p), -(self.ln_pdf(x) - t.ln()).exp() * per_s)
        });
        (unit * s.sinh()).clamp(low, high)
    }
}

/// How heavy, for comparing tails: class first, then the parameter inside it.
fn heaviness(tail: Tail) -> (u8, f64) {
    match tail {
        Tail::Bounded => (0, 0.0),
        Tail::Light => (1, 0.0),
        Tail::Exponential { rate } => (2, -rate),
        Tail::Subexponential => (3, 0.0),
        Tail::Regular { index } => (4, -index),
    }
}

impl Distribution for Mixture {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        let total = self.total();
        for x in out {
            let mut left = rng.open_unit() * total;
            let chosen = self.components.iter().find(|c| {
                left -= c.weight.get();
                left < 0.0
            });
            // Rounding of the sum can leave a crumb: it belongs to the last component.
            if let Some(component) = chosen.or(self.components.last()) {
                *x = component.law.part().sample(rng);
            }
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        let ln_total = self.total().ln();
        let terms =
            || self.components.iter().map(|c| c.weight.get().ln() - ln_total + c.law.part().ln_pdf(x));
        let largest = terms().fold(f64::NEG_INFINITY, f64::max);
        if largest.is_infinite() {
            return largest;
        }
        largest + terms().map(|term| (term - largest).exp()).sum::<f64>().ln()
    }
    fn cdf(&self, x: f64) -> f64 {
        self.average(|law| law.cdf(x)).min(1.0)
    }
    fn sf(&self, x: f64) -> f64 {
        self.average(|law| law.sf(x)).min(1.0)
    }
    fn ln_sf(&self, x: f64) -> f64 {
        let ln_total = self.total().ln();
        let terms = self.components.iter().map(|c| c.weight.get().ln() - ln_total + c.law.part().ln_sf(x));
        log_sum_exp(&terms.collect::<Vec<_>>()).min(0.0)
    }
    fn upper_expectation(&self, x: f64) -> Option<f64> {
        self.average_of(|law| law.upper_expectation(x))
    }
    fn quantile(&self, p: f64) -> f64 {
        match p {
            p if !(0.0..=1.0).contains(&p) => f64::NAN,
            p if p > 0.5 => self.upper_quantile(1.0 - p),
            0.0 => self.components.iter().map(|c| c.law.part().quantile(0.0)).fold(f64::INFINITY, f64::min),
            p => self.solve(p, -1.0, |law| law.quantile(p), |x| self.cdf(x)),
        }
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        match p {
            p if !(0.0..=1.0).contains(&p) => f64::NAN,
            p if p > 0.5 => self.quantile(1.0 - p),
            0.0 => {
                let ends = self.components.iter().map(|c| c.law.part().upper_quantile(0.0));
                ends.fold(f64::NEG_INFINITY, f64::max)
            }
            p => self.solve(p, 1.0, |law| law.upper_quantile(p), |x| self.sf(x)),
        }
    }
    fn mean(&self) -> Option<f64> {
        self.average_of(|law| law.mean())
    }
    fn variance(&self) -> Option<f64> {
        let centre = self.mean()?;
        self.average_of(|law| Some(law.variance()? + (law.mean()? - centre).powi(2)))
    }
    fn tail(&self) -> Tail {
        let tails = self.components.iter().map(|c| c.law.part().tail());
        tails
            .max_by(|a, b| heaviness(*a).partial_cmp(&heaviness(*b)).unwrap_or(std::cmp::Ordering::Equal))
            .unwrap_or(Tail::Bounded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::testing;

    fn law(json: &str) -> DistributionSpec {
        serde_json::from_str(json).unwrap()
    }
    const CONTAMINATED: &str = r#"{"mixture": {"components": [
        {"weight": 9, "law": {"normal": {}}},
        {"weight": 1, "law": {"student_t": {"df": 1.5, "scale": 4}}}]}}"#;
    const GAP: &str = r#"{"mixture": {"components": [
        {"weight": 0.999, "law": {"uniform": {}}},
        {"weight": 0.001, "law": {"mixture": {"components": [
            {"weight": 1, "law": {"pareto": {"index": 2, "scale": 50}}},
            {"weight": 2, "law": {"exponential": {"scale": 0.1}}}]}}}]}}"#;

    #[test]
    fn conforms() {
        testing::conforms_law(&law(CONTAMINATED));
        testing::conforms_law(&law(GAP));
    }

    #[test]
    fn draws_are_value_stable() {
        testing::pinned_law(
            &law(CONTAMINATED),
            [-0.6053237219551141, -1.9141280238442746, 0.061898606846451994],
        );
    }

    #[test]
    fn moments_and_tail_come_from_the_components() {
        let two = law(r#"{"mixture": {"components": [
            {"weight": 1, "law": {"normal": {"mean": -2}}}, {"weight": 3, "law": {"normal": {"mean": 2, "sd": 2}}}]}}"#);
        assert_eq!(two.part().mean(), Some(1.0));
        assert_eq!(two.part().variance(), Some(0.25 * (1.0 + 9.0) + 0.75 * (4.0 + 1.0)));
        assert_eq!(two.part().tail(), Tail::Light);
        assert_eq!(law(CONTAMINATED).part().variance(), None);
        assert_eq!(law(CONTAMINATED).part().tail(), Tail::Regular { index: 1.5 });
    }

    #[test]
    fn an_empty_mixture_is_refused() {
        let message = serde_json::from_str::<Mixture>(r#"{"components": []}"#).unwrap_err().to_string();
        assert!(message.contains("at least one component"), "{message}");
    }
}
