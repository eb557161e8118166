//! A detector that has learnt once, asked about one set of rollouts after another.

use super::{Detector, DetectorSpec, Fitted, Scorer, would_not_flag_below};
use crate::foundation::failure::Status;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::record::{Observed, Scores};

/// A detector fitted on its calibration rollouts. What it remembers of one set of rollouts never reaches the next.
pub struct Fit {
    scorer: Box<dyn Scorer>,
}

impl Fit {
    /// Learns from `calibration`. The detector's random numbers come from the stream of its settings.
    ///
    /// # Errors
    /// The detector's refusal of these rollouts.
    pub fn new(spec: &DetectorSpec, calibration: &Observed, seeds: &SeedTree) -> Result<Self, Status> {
        Self::of(spec.part(), spec.stream(), calibration, seeds)
    }

    /// Learns from sorted rewards alone, where the detector can ([`Detector::fit_rewards`]).
    ///
    /// # Errors
    /// The detector's refusal of these rewards.
    pub fn of_rewards(spec: &DetectorSpec, ascending: &[f64]) -> Option<Result<Self, Status>> {
        Some(match spec.part().fit_rewards(ascending)? {
            Fitted::Ready(scorer) => Ok(Self { scorer }),
            Fitted::Refused(status) => Err(status),
        })
    }

    /// The same for a detector outside the registry, with the number of its stream.
    ///
    /// # Errors
    /// The detector's refusal of these rollouts.
    pub fn of(
        detector: &dyn Detector,
        stream: u64,
        calibration: &Observed,
        seeds: &SeedTree,
    ) -> Result<Self, Status> {
        let mut rng = seeds.stream(Purpose::Detector, stream);
        match detector.fit(calibration, &mut rng) {
            Fitted::Ready(scorer) => Ok(Self { scorer }),
            Fitted::Refused(status) => Err(status),
        }
    }

    /// Scores of a whole set of rollouts, one a row; what was scored before is forgotten first.
    ///
    /// # Errors
    /// Why the rollouts cannot be scored.
    pub fn score(&mut self, rollouts: &Observed) -> Result<Scores, Status> {
        self.scorer.restart();
        self.scorer.score(rollouts)
    }

    /// Forgets the rollouts so far, for a set that comes batch by batch.
    pub fn restart(&mut self) {
        self.scorer.restart();
    }

    /// Scores of the next batch of a set: whole steps, in order.
    ///
    /// # Errors
    /// Why the rollouts cannot be scored.
    pub fn score_next(&mut self, batch: &Observed) -> Result<Scores, Status> {
        self.scorer.score(batch)
    }

    /// The reward at and below which a flagged row would not have been flagged: [`would_not_flag_below`], from a scorer that
    /// remembers no other rollouts.
    pub fn would_not_flag_below(
        &mut self,
        batch: &Observed,
        row: usize,
        score: f64,
        flagged: &dyn Fn(f64, Option<f64>) -> bool,
    ) -> Option<f64> {
        would_not_flag_below(self.scorer.as_mut(), batch, row, score, flagged)
    }

    /// Why a row of the set that was scored last scored as it did.
    pub fn explain(&self, rollouts: &Observed, row: usize) -> String {
        self.scorer.explain(rollouts, row)
    }
}
