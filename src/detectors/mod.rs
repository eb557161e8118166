//! Scores that say how suspicious a rollout is. A detector's folder is its declared access.
//!
//! `reward/` sees the proxy only, `policy/` also log-probabilities and advantages, `features/` also activations and other
//! feature columns, `control/` nothing, `combined/` what its members see.
//! A detector is fitted on calibration rollouts and gives a scorer; where the calibration data cannot carry it
//! (MAD 0, too few excesses, a missing column) it refuses with a [`Status`] and never with a number.
//! Thresholds are apart: see [`crate::thresholds`].
//!
//! A new detector is a file in the folder of its access, a `mod` line there and a row in [`DetectorSpec`].

pub mod combined;
pub mod control;
mod counterfactual;
pub mod features;
mod fit;
mod input;
pub mod policy;
pub mod reward;

pub use counterfactual::would_not_flag_below;
pub use fit::Fit;

use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use combined::RankMean;
use control::Random;
use features::{Ecod, IsolationForest, Knn, Mahalanobis, Spectral};
use policy::{CumulativeInfluence, Disagreement, GradientNorm, Influence, LogRatio, Surprise};
use reward::{
    CumulativeReward, Gesd, GpdTail, HillTail, LengthResidual, RobustZ, TailCusum, TopReward, WithinPrompt,
};
use std::fmt::Debug;

/// What a detector may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The proxy reward and what a log always has (step, prompt, group, length).
    Reward,
    /// Also log-probabilities, advantages and what the policy's owner knows.
    Policy,
    /// Also every other feature column: activations.
    Features,
    /// Nothing: a control.
    Control,
}

impl Access {
    /// As written in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reward => "reward",
            Self::Policy => "policy",
            Self::Features => "features",
            Self::Control => "control",
        }
    }

    /// How much that is, from nothing on: what sees more has a higher number.
    fn width(self) -> u8 {
        match self {
            Self::Control => 0,
            Self::Reward => 1,
            Self::Policy => 2,
            Self::Features => 3,
        }
    }
}

/// What a fit gave.
pub enum Fitted {
    /// Ready to score.
    Ready(Box<dyn Scorer>),
    /// The calibration data cannot carry this detector.
    Refused(Status),
}

/// A method that learns what is normal from calibration rollouts.
pub trait Detector: Debug + Send + Sync {
    /// What it may look at.
    fn access(&self) -> Access;
    /// Columns that the rollouts which it scores must have beside the proxy reward, by name.
    fn needs(&self) -> Vec<String> {
        Vec::new()
    }
    /// Learns from `calibration`; `rng` is the detector's own stream.
    fn fit(&self, calibration: &Observed, rng: &mut Stream) -> Fitted;
    /// Learns from calibration rewards that are sorted already, ascending and none of them NaN, where they are all that it learns from; the same fit as
    /// [`Detector::fit`]'s. `None` where it needs more.
    fn fit_rewards(&self, _ascending: &[f64]) -> Option<Fitted> {
        None
    }
    /// Whether a row's score depends on that row alone, so that a step too large for memory may be scored in pieces.
    fn row_wise(&self) -> bool {
        false
    }
    /// Whether a row's score depends on the rows of its group at its step alone.
    fn group_wise(&self) -> bool {
        false
    }
    /// Whether its p-values are those of a law that it takes for granted, so that their rates hold for that law alone.
    fn assumes_a_law(&self) -> bool {
        false
    }
}

/// A fitted detector. A batch holds one step or several, whole and in order; a score uses nothing later than its own
/// step, and is the same whether a run comes step by step or at once.
pub trait Scorer: Send {
    /// One finite score a row, higher = more suspicious, or the reason why there is none.
    ///
    /// Where scores look back on earlier steps, a batch that does not begin after the last step scored begins another run.
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status>;
    /// Forgets the run so far, not the calibration.
    fn restart(&mut self) {}
    /// Why this row scored as it did, in words with the numbers that decided.
    fn explain(&self, batch: &Observed, row: usize) -> String;
}

crate::registry! {
    /// A detector, as written in a config: `{ gpd_tail = { tail_fraction = 0.05 } }`.
    pub enum DetectorSpec => dyn Detector {
        "top_reward" => TopReward: "the proxy reward itself (baseline)", "none: the yardstick of an audit by hand";
        "robust_z" => RobustZ: "distance from the calibration median in MADs", "Iglewicz & Hoaglin 1993";
        "gpd_tail" => GpdTail: "improbability under a generalised Pareto tail of the calibration rewards", "Pickands 1975; Davison & Smith 1990";
        "hill_tail" => HillTail: "improbability under a power law through the calibration's largest rewards", "Hill 1975; Weissman 1978";
        "gesd" => Gesd: "studentised deviate within the step over its critical value", "Rosner 1983; Grubbs 1969";
        "within_prompt" => WithinPrompt: "distance from the median of the same prompt and step in robust standard deviations", "Hampel 1974; Smyth 2004";
        "length_residual" => LengthResidual: "distance from the reward that the length explains, in MADs", "Theil 1950";
        "tail_cusum" => TailCusum: "CUSUM of the share of a step's rewards in the calibration's tail (early warning)", "Page 1954";
        "cumulative_reward" => CumulativeReward: "what an outcome was paid beyond its steps' medians, over all its visits", "Williams 1992";
        "log_ratio" => LogRatio: "log-probability under the policy less that under the reference", "Neyman & Pearson 1933";
        "influence" => Influence: "share of its update's absolute advantages", "Williams 1992";
        "cumulative_influence" => CumulativeInfluence: "share of an outcome in all absolute advantages so far", "Williams 1992";
        "gradient_norm" => GradientNorm: "share of its update's gradient norms", "Williams 1992";
        "surprise" => Surprise: "improbability of the trajectory under the reference, for its length", "Shannon 1948";
        "disagreement" => Disagreement: "spread of the members of a reward ensemble", "Coste et al. 2024";
        "mahalanobis" => Mahalanobis: "distance from the calibration mean in units of its covariance", "Mahalanobis 1936; Rousseeuw & Van Driessen 1999; Ledoit & Wolf 2004";
        "isolation_forest" => IsolationForest: "how few random splits set a row apart", "Liu, Ting & Zhou 2008";
        "ecod" => Ecod: "how far out in the tails of its columns a row lies", "Li et al. 2022";
        "knn" => Knn: "distance to the nearest calibration rows", "Ramaswamy, Rastogi & Shim 2000";
        "spectral" => Spectral: "squared projection on the direction in which a step's rows spread most", "Tran, Li & Madry 2018; Hayase et al. 2021";
        "rank_mean" => RankMean: "mean rank of several detectors among the calibration scores", "Vovk, Gammerman & Shafer 2005";
        "random" => Random: "a uniform draw (control)", "none: the floor";
    }
}

impl DetectorSpec {
    /// The number of the stream that its random numbers come from: a hash of its settings, so that neither its place in a list
    /// nor its neighbours decide them.
    pub fn stream(&self) -> u64 {
        let settings = serde_json::to_vec(self).unwrap_or_default();
        let hash = *blake3::hash(&settings).as_bytes();
        hash.first_chunk().map_or(0, |head| u64::from_le_bytes(*head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_that_of_the_settings_however_they_are_written() {
        let stream = |text: &str| serde_json::from_str::<DetectorSpec>(text).unwrap().stream();
        let plain = stream(r#"{"isolation_forest": {}}"#);
        assert_eq!(
            plain,
            stream(
                &serde_json::to_string(&DetectorSpec::IsolationForest(IsolationForest::default())).unwrap()
            )
        );
        assert_ne!(plain, stream(r#"{"isolation_forest": {"trees": 50}}"#));
        assert_ne!(plain, stream(r#"{"random": {}}"#));
    }
}
