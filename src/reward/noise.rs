//! Fresh error: redrawn at every visit.

use super::Phase;
use crate::distributions::{Distribution, Standardized};
use crate::foundation::rng::{Family, Purpose, SeedTree};

/// The noise of a visit, by the number of the rollout.
#[derive(Debug)]
pub(super) struct Noise {
    law: Option<Standardized>,
    training: Family,
    calibration: Family,
}

impl Noise {
    /// Noise of this law, or none.
    pub fn new(law: Option<Standardized>, seeds: &SeedTree) -> Self {
        let (training, calibration) =
            (seeds.family(Purpose::FreshError), seeds.family(Purpose::CalibrationError));
        Self { law, training, calibration }
    }

    /// Whether visits differ.
    pub fn is_silent(&self) -> bool {
        self.law.is_none()
    }

    /// The noise of rollout number `rollout`; 0 without a law.
    pub fn draw(&self, rollout: u64, phase: Phase) -> f64 {
        let Some(law) = &self.law else { return 0.0 };
        let family = match phase {
            Phase::Training => &self.training,
            Phase::Calibration => &self.calibration,
        };
        let noise = law.sample(&mut family.at(rollout));
        // An infinite draw would make the batch's mean infinite too: the largest number stands in for it.
        noise.clamp(-f64::MAX / 4.0, f64::MAX / 4.0)
    }
}
