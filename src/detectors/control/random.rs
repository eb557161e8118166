//! Audits at random: what every detector has to beat.

use crate::detectors::input::{digits, named, scores, words};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::{Purpose, SeedTree, Stream};
use crate::record::{Observed, Scores};
use rand::Rng as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A uniform score from (0, 1), a pure function of the detector's stream, the step and the trajectory: the same
/// whatever the batches are. Its p-value is 1 − score, exactly uniform.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Random {}

/// What a draw is a function of.
const NEEDS: [&str; 2] = ["step", "trajectory"];

impl Detector for Random {
    fn access(&self) -> Access {
        Access::Control
    }
    fn row_wise(&self) -> bool {
        true
    }
    fn needs(&self) -> Vec<String> {
        named(&NEEDS)
    }
    fn fit(&self, _: &Observed, rng: &mut Stream) -> Fitted {
        Fitted::Ready(Box::new(Draws { seed: rng.next_u64() }))
    }
}

struct Draws {
    seed: u64,
}

impl Draws {
    /// One draw a row: the streams of a step are keyed once, the trajectory is the index.
    fn of(&self, step: &[u64], trajectory: &[u64]) -> Vec<f64> {
        let mut draws = Vec::with_capacity(trajectory.len());
        let mut rest = trajectory;
        for same in step.chunk_by(|a, b| a == b) {
            let Some(&step) = same.first() else { continue };
            let family = SeedTree::new(self.seed, step).family(Purpose::Detector);
            let (own, others) = rest.split_at(same.len().min(rest.len()));
            draws.extend(own.iter().map(|&t| family.at(t).open_unit()));
            rest = others;
        }
        draws
    }
}

impl Scorer for Draws {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let [step, trajectory] = NEEDS;
        let draws = self.of(words(batch, step)?, words(batch, trajectory)?);
        let p_values = draws.iter().map(|u| 1.0 - u).collect();
        Ok(scores(draws)?.with_p_values(p_values))
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        match (batch.step.get(row..=row), batch.trajectory.get(row..=row)) {
            (Some(step), Some(trajectory)) => {
                let draw = self.of(step, trajectory).first().map_or_else(|| "absent".into(), |u| digits(*u));
                format!("picked at random (draw {draw}), nothing was looked at")
            }
            _ => "absent".into(),
        }
    }
}
