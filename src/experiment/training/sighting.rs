//! Runs that are conditioned on sighting a hack: how likely that is, and at which step the first one is drawn.
//!
//! A first course through training never samples a hack, and adds up how likely that was: P_seen = 1 − Π(1 − p) over all
//! rollouts, p their probability of a hack, exactly. The step of the first sighting is drawn from the truncated law that these
//! give; then the run is trained: as the first course up to that step, with a forced sighting in it, and from there on as ever.
//! A share of such runs times P_seen is the share of all runs: what it is of one that never sights a hack takes no part.

use super::error::TrainError;
use crate::foundation::numeric::sum;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::rollout::{Steer, first};
use serde::{Deserialize, Serialize};

/// The first sighting of a run that is conditioned on one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// P(a hack is sampled in training), given all that does not depend on hacks.
    pub p_seen: f64,
    /// Step of the first.
    pub step: u64,
    /// A uniform number, which says at which rollout of the step.
    pub place: f64,
}

impl Sighting {
    /// Draws it from ln P(no hack in the batch) of each step of a course without any.
    ///
    /// # Errors
    /// A hack cannot be sampled at all.
    pub fn draw(unseen: &[f64], seeds: &SeedTree) -> Result<Self, TrainError> {
        let mut stream = seeds.stream(Purpose::Sighting, 0);
        let step = first(unseen, stream.open_unit()).ok_or(TrainError::Unsightable)?;
        let p_seen = -sum(unseen.iter().copied()).exp_m1();
        Ok(Self { p_seen, step: step as u64, place: stream.open_unit() })
    }
}

/// How a run comes to its sightings.
#[derive(Debug, Clone)]
pub enum Way {
    /// As they come.
    Free,
    /// Not at all; ln P of that is kept, step by step.
    Away(Vec<f64>),
    /// Not before this one.
    To(Sighting),
}

impl Way {
    /// How a step's rollouts are drawn.
    pub fn steer(&self, step: u64) -> Steer {
        match self {
            Self::Free => Steer::Free,
            Self::Away(_) => Steer::Away,
            Self::To(sighting) if step < sighting.step => Steer::Away,
            Self::To(sighting) if step == sighting.step => Steer::Into(sighting.place),
            Self::To(_) => Steer::Free,
        }
    }

    /// Takes note of ln P(no hack in the batch).
    pub fn note(&mut self, unseen: f64) {
        if let Self::Away(all) = self {
            all.push(unseen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_comes_from_the_truncated_law_and_p_seen_is_exact() {
        // Hazards of .1, .3 and 0: P_seen = .37, the first step in .1 of it.
        let unseen = [0.9f64.ln(), 0.7f64.ln(), 0.0];
        let mut counts = [0usize; 3];
        for replicate in 0..4000 {
            let sighting = Sighting::draw(&unseen, &SeedTree::new(3, replicate)).unwrap();
            assert!((sighting.p_seen - 0.37).abs() < 1e-12);
            counts[sighting.step as usize] += 1;
        }
        // Four standard errors: 4·√(.27·.73·4000) = 112.
        let expected = 4000.0 * 0.1 / 0.37;
        assert!((counts[0] as f64 - expected).abs() < 112.0 && counts[2] == 0, "{counts:?}");
        assert!(matches!(Sighting::draw(&[0.0; 4], &SeedTree::new(3, 0)), Err(TrainError::Unsightable)));
    }

    #[test]
    fn the_way_is_free_only_after_the_sighting() {
        let way = Way::To(Sighting { p_seen: 0.5, step: 3, place: 0.25 });
        let steers: Vec<Steer> = (2..5).map(|step| way.steer(step)).collect();
        assert_eq!(steers, [Steer::Away, Steer::Into(0.25), Steer::Free]);
        assert_eq!(Way::Free.steer(0), Steer::Free);
    }
}
