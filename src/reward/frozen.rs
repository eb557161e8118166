//! A fixed mistake for every trajectory: an unlimited table that takes no memory.

use super::Ensemble;
use super::ensemble::{Draw, Members};
use crate::distributions::{Distribution, Standardized};
use crate::foundation::rng::{Family, Purpose, SeedTree};

/// X as a pure function of a trajectory's key: the start of the stream whose index is the key, or what an ensemble makes of it.
#[derive(Debug)]
pub(super) struct FrozenError {
    law: Standardized,
    draws: Family,
    members: Option<Members>,
}

impl FrozenError {
    pub fn new(law: Standardized, ensemble: Option<&Ensemble>, seeds: &SeedTree) -> Self {
        let members = ensemble.and_then(|settings| Members::new(settings, seeds));
        Self { law, draws: seeds.family(Purpose::Error), members }
    }

    /// The law of X.
    pub fn law(&self) -> &dyn Distribution {
        &self.law
    }

    /// Whether several members are asked, so that they may disagree.
    pub fn is_ensemble(&self) -> bool {
        self.members.is_some()
    }

    /// X of a trajectory, its cell in a table or its hash, and how far the members disagree on it.
    pub fn draw(&self, key: u64) -> Draw {
        match &self.members {
            None => Draw { error: self.law.sample(&mut self.draws.at(key)), disagreement: 0.0 },
            Some(members) => members.draw(&self.law, key, self.uniform(key)),
        }
    }

    /// The uniform number in (0, 1) that belongs to a trajectory, where X is tied to something else.
    pub fn uniform(&self, key: u64) -> f64 {
        self.draws.at(key).open_unit()
    }
}
