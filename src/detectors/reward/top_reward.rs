//! The baseline: the larger the reward, the more suspicious.

use crate::detectors::input::{digits_at, proxy, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The score is the proxy reward itself, s = U, ±∞ taken as ±f64::MAX. Nothing is learned, so it needs no calibration.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TopReward {}

impl Detector for TopReward {
    fn access(&self) -> Access {
        Access::Reward
    }
    fn row_wise(&self) -> bool {
        true
    }
    fn fit(&self, _: &Observed, _: &mut Stream) -> Fitted {
        Fitted::Ready(Box::new(Ranking))
    }
}

struct Ranking;

impl Scorer for Ranking {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        scores(proxy(batch)?.to_vec())
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        format!("proxy reward {}", digits_at(Some(&batch.proxy), row))
    }
}
