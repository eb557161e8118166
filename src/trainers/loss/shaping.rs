//! Reward shaping: what is optimised in the place of the raw proxy.
//!
//! All but the clip are scaled by rollouts of the reference, before training: what is far out there is bounded, and the
//! policy's own rollouts cannot move the bound. A bounded reward takes from heavy-tailed error what makes any proxy possible
//! at a tiny KL, and takes the same from true excellence.

use crate::foundation::failure::Status;
use crate::foundation::order::{MAD_TO_SD, mad, median, quantile_sorted, sorted};
use crate::foundation::scalar::{Finite, NonNegative, OpenProbability};
use crate::trainers::contradiction::Contradiction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A function of the proxy U that is optimised in its place. The penalty for leaving the reference is taken off afterwards, so
/// that its coefficient is in units of the shaped reward.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Shaping {
    /// U itself.
    #[default]
    None,
    /// U held within stated bounds.
    Clip {
        /// Smaller proxies count as this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        low: Option<Finite>,
        /// Larger proxies count as this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        high: Option<Finite>,
    },
    /// U held between two quantiles of the reference's proxies: this one, and as much of the lower tail (Winsor; Dixon 1960).
    Winsorize {
        /// The upper quantile, above ½.
        #[serde(default = "default_quantile")]
        quantile: OpenProbability,
    },
    /// (U − median)/(1.4826·MAD) of the reference's proxies: location and scale only. A mean and a standard deviation would
    /// follow the reference's own largest error, and need not exist.
    Whiten,
    /// σ(z) = 1/(1 + e^(−z)) of the whitened proxy z: a bounded reward, centred on the reference's, that grows fastest at the
    /// centre (Fu et al. 2025, "Reward shaping to mitigate reward hacking in RLHF", who average σ(U − U₀) over answers U₀ of
    /// the reference, in the units of a preference model's logit).
    Sigmoid,
    /// U − λ·s(z₊): the score that a monitor gives the reward is in the reward itself, so that the policy learns not to be seen (Baker
    /// et al. 2025, "Monitoring reasoning models for misbehavior"). z₊ is how far U lies above the reference's median, in
    /// 1.4826·MAD, and 0 below it. λ = 0 is U itself.
    Evade {
        /// λ, in units of reward per unit of the score.
        weight: NonNegative,
        /// How the score grows.
        #[serde(default)]
        score: Suspicion,
    },
}

/// How a monitor's score of the reward grows with z, the distance above the reference's median in robust standard deviations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Suspicion {
    /// z: what `robust_z` says.
    #[default]
    Distance,
    /// z²/2: the surprise of who takes benign rewards for normal. Beyond z = σ/λ more reward is worth less.
    Surprise,
    /// ln(1 + z): the surprise of who takes them for heavy-tailed. More reward is always worth more, far out.
    LogDistance,
}

impl Suspicion {
    fn of(self, z: f64) -> f64 {
        match self {
            Self::Distance => z,
            // What is left of an infinite penalty is a number.
            Self::Surprise => 0.5 * z.min(1e100) * z.min(1e100),
            Self::LogDistance => z.ln_1p(),
        }
    }
}

fn default_quantile() -> OpenProbability {
    OpenProbability::known(0.99)
}

/// Why rewards cannot be shaped as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "shaping = \"{shaping}\" cannot be scaled by the reference's {rollouts} proxies ({status}); use shaping = {{ clip = \
     {{ high = … }} }}, or a reward without ties"
)]
pub struct ShapingError {
    /// What was asked for.
    pub shaping: &'static str,
    /// How many proxies of the reference there were.
    pub rollouts: usize,
    /// Why it has no scale.
    pub status: Status,
}

/// A shaping with its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shaper {
    /// U.
    Identity,
    /// U held within [low, high].
    Within {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// (U − centre)/scale.
    Affine {
        /// Centre.
        centre: f64,
        /// Scale.
        scale: f64,
    },
    /// σ((U − centre)/scale).
    Sigmoid {
        /// Centre.
        centre: f64,
        /// Scale.
        scale: f64,
    },
    /// U − weight·score((U − centre)/scale above 0).
    Evade {
        /// Centre.
        centre: f64,
        /// Scale.
        scale: f64,
        /// Weight.
        weight: f64,
        /// Score.
        score: Suspicion,
    },
}

impl Shaping {
    /// Whether it is scaled by rollouts of the reference.
    pub fn needs_reference(self) -> bool {
        match self {
            Self::None | Self::Clip { .. } => false,
            Self::Evade { weight, .. } => weight.get() > 0.0,
            Self::Winsorize { .. } | Self::Whiten | Self::Sigmoid => true,
        }
    }

    /// What contradicts itself, by key below the trainer's section.
    pub(in crate::trainers) fn contradiction(self) -> Option<Contradiction> {
        match self {
            Self::Clip { low: None, high: None } => Some(Contradiction::new(
                "shaping.clip",
                "a clip without bounds changes nothing",
                "set high = 5, or shaping = \"none\"",
            )),
            Self::Clip { low: Some(low), high: Some(high) } if low >= high => Some(Contradiction::new(
                "shaping.clip.low",
                format!("the lower bound {low} is not below the upper bound {high}"),
                "lower it",
            )),
            Self::Winsorize { quantile } if quantile.get() <= 0.5 => Some(Contradiction::new(
                "shaping.winsorize.quantile",
                format!("both bounds would be the median or cross at a quantile of {quantile}"),
                "use 0.99",
            )),
            _ => None,
        }
    }

    /// The function itself, scaled by the proxies of rollouts of the reference; only `needs_reference` reads them.
    pub fn fit(self, reference_proxies: &[f64]) -> Result<Shaper, ShapingError> {
        let fail = |shaping, status| ShapingError { shaping, rollouts: reference_proxies.len(), status };
        let none = || Status::TooFew { what: "proxies", have: reference_proxies.len(), need: 1 };
        let whitened = |shaping| {
            let centre = median(reference_proxies).ok_or_else(|| fail(shaping, none()))?;
            let scale = mad(reference_proxies).ok_or_else(|| fail(shaping, none()))? * MAD_TO_SD;
            if scale > 0.0 { Ok((centre, scale)) } else { Err(fail(shaping, Status::ZeroMad)) }
        };
        Ok(match self {
            Self::None => Shaper::Identity,
            Self::Clip { low, high } => Shaper::Within {
                low: low.map_or(f64::NEG_INFINITY, Finite::get),
                high: high.map_or(f64::INFINITY, Finite::get),
            },
            Self::Winsorize { quantile } => {
                let ascending = sorted(reference_proxies);
                let at = |p| quantile_sorted(&ascending, p).ok_or_else(|| fail("winsorize", none()));
                let (low, high) = (at(1.0 - quantile.get())?, at(quantile.get())?);
                if low >= high {
                    return Err(fail("winsorize", Status::AllTied));
                }
                Shaper::Within { low, high }
            }
            Self::Whiten => {
                let (centre, scale) = whitened("whiten")?;
                Shaper::Affine { centre, scale }
            }
            Self::Evade { weight, .. } if weight.get() == 0.0 => Shaper::Identity,
            Self::Evade { weight, score } => {
                let (centre, scale) = whitened("evade")?;
                Shaper::Evade { centre, scale, weight: weight.get(), score }
            }
            Self::Sigmoid => {
                let (centre, scale) = whitened("sigmoid")?;
                Shaper::Sigmoid { centre, scale }
            }
        })
    }
}

impl Shaper {
    /// What is optimised in the place of a proxy of `u`.
    pub fn apply(self, u: f64) -> f64 {
        match self {
            Self::Identity => u,
            Self::Within { low, high } => u.max(low).min(high),
            Self::Affine { centre, scale } => (u - centre) / scale,
            Self::Sigmoid { centre, scale } => 1.0 / (1.0 + (-(u - centre) / scale).exp()),
            Self::Evade { centre, scale, weight, score } => {
                u - weight * score.of(((u - centre) / scale).max(0.0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(text: &str, proxies: &[f64]) -> Result<Shaper, ShapingError> {
        serde_json::from_str::<Shaping>(text).unwrap().fit(proxies)
    }

    #[test]
    fn each_is_the_function_that_it_says() {
        // Median 3, deviations 3 2 1 0 1 2 97: MAD 2.
        let proxies = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 100.0];
        let at = |text: &str, u: f64| fit(text, &proxies).unwrap().apply(u);
        assert_eq!(at("\"none\"", 1e9), 1e9);
        assert_eq!(at(r#"{ "clip": { "high": 5 } }"#, 7.0), 5.0);
        assert_eq!(at(r#"{ "clip": { "high": 5 } }"#, -1e300), -1e300);
        assert_eq!(at(r#"{ "clip": { "low": -1, "high": 5 } }"#, -7.0), -1.0);
        // Seven values: the quantiles 5/6 and 1/6 are the sixth and the second.
        let winsorize = format!(r#"{{ "winsorize": {{ "quantile": {} }} }}"#, 5.0 / 6.0);
        assert!((at(&winsorize, 50.0) - 5.0).abs() < 1e-12 && (at(&winsorize, -50.0) - 1.0).abs() < 1e-12);
        assert_eq!(at(&winsorize, 3.3), 3.3);
        assert!((at("\"whiten\"", 7.0) - 4.0 / (2.0 * MAD_TO_SD)).abs() < 1e-15);
        let z = 4.0 / (2.0 * MAD_TO_SD);
        assert!((at("\"sigmoid\"", 7.0) - z.exp() / (1.0 + z.exp())).abs() < 1e-15);
        assert_eq!(at("\"sigmoid\"", 3.0), 0.5);
        for (score, own) in [("distance", z), ("surprise", z * z / 2.0), ("log_distance", (1.0 + z).ln())] {
            let text = format!(r#"{{ "evade": {{ "weight": 2.5, "score": "{score}" }} }}"#);
            assert!((at(&text, 7.0) - (7.0 - 2.5 * own)).abs() < 1e-14, "{score}");
            assert_eq!((at(&text, 3.0), at(&text, -8.0)), (3.0, -8.0), "nobody is suspicious for too little");
            assert!(at(&text, 1e300).is_finite());
        }
        assert_eq!(fit(r#"{ "evade": { "weight": 0 } }"#, &[]), Ok(Shaper::Identity));
    }

    #[test]
    fn the_size_of_the_references_largest_error_changes_nothing() {
        let mut proxies: Vec<f64> = (0..1001).map(|i| f64::from(i) / 100.0).collect();
        for text in [r#"{ "winsorize": {} }"#, "\"whiten\"", "\"sigmoid\""] {
            proxies[1000] = 10.0;
            let before = fit(text, &proxies).unwrap();
            proxies[1000] = 1e12;
            assert_eq!(fit(text, &proxies).unwrap(), before, "{text}");
        }
    }

    #[test]
    fn order_is_kept_and_no_number_is_lost_at_the_ends() {
        let proxies = [-1.0, 0.0, 0.5, 2.0];
        for text in [
            "\"none\"",
            r#"{ "clip": { "high": 1 } }"#,
            r#"{ "winsorize": {} }"#,
            "\"whiten\"",
            "\"sigmoid\"",
        ] {
            let shaper = fit(text, &proxies).unwrap();
            let shaped = [-1e300, -1e3, -1.0, 0.3, 4.0, 1e3, 1e300].map(|u| shaper.apply(u));
            assert!(shaped.iter().all(|r| r.is_finite()), "{text}: {shaped:?}");
            assert!(shaped.windows(2).all(|pair| pair[0] <= pair[1]), "{text}: {shaped:?}");
        }
    }

    #[test]
    fn what_has_no_scale_is_refused() {
        for text in ["\"whiten\"", "\"sigmoid\"", r#"{ "winsorize": {} }"#] {
            assert!(fit(text, &[]).is_err(), "{text}");
            assert!(fit(text, &[2.0; 9]).is_err(), "{text}");
        }
        let message = fit("\"sigmoid\"", &[0.0, 1.0, 1.0, 1.0]).unwrap_err().to_string();
        assert!(message.contains("MAD is 0") && message.contains("clip"), "{message}");
        assert_eq!(fit("\"none\"", &[]), Ok(Shaper::Identity));
    }

    #[test]
    fn contradictions_name_their_key() {
        for (text, key) in [
            (r#"{ "clip": {} }"#, "shaping.clip"),
            (r#"{ "clip": { "low": 2, "high": 2 } }"#, "shaping.clip.low"),
            (r#"{ "winsorize": { "quantile": 0.4 } }"#, "shaping.winsorize.quantile"),
        ] {
            let found = serde_json::from_str::<Shaping>(text).unwrap().contradiction();
            assert_eq!(found.map(|fault| fault.key), Some(key));
        }
        assert_eq!(serde_json::from_str::<Shaping>("\"sigmoid\"").unwrap().contradiction(), None);
    }
}
