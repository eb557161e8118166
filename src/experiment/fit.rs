//! A detector on its calibration rollouts, ready for one set of rollouts after another.

use crate::detectors::{DetectorSpec, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::record::{Observed, Scores};

/// What a fit depends on. Scorers may remember what they have scored, so every set of rollouts gets one of its own; all of
/// them are fitted with the same stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit<'a> {
    /// The detector.
    pub spec: &'a DetectorSpec,
    /// Its place in the config: the number of its stream.
    pub index: usize,
    /// What it learns from.
    pub calibration: &'a Observed,
    /// Streams of the replicate.
    pub seeds: SeedTree,
}

impl Fit<'_> {
    /// A scorer that has seen nothing yet.
    pub fn ready(&self) -> Result<Box<dyn Scorer>, Status> {
        let mut rng = self.seeds.stream(Purpose::Detector, self.index as u64);
        match self.spec.part().fit(self.calibration, &mut rng) {
            Fitted::Ready(scorer) => Ok(scorer),
            Fitted::Refused(status) => Err(status),
        }
    }

    /// Scores of rollouts that no scorer has seen.
    pub fn score(&self, rollouts: &Observed) -> Result<Scores, Status> {
        self.ready()?.score(rollouts)
    }
}
