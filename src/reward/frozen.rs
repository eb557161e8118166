//! A fixed mistake for every trajectory: an unlimited table that takes no memory.

use crate::distributions::{Distribution, Standardized};
use crate::foundation::rng::{Family, Purpose, SeedTree};

/// X as a pure function of a trajectory's key: the start of the stream whose index is the key.
#[derive(Debug)]
pub(super) struct FrozenError {
    law: Standardized,
    draws: Family,
}

impl FrozenError {
    pub fn new(law: Standardized, seeds: &SeedTree) -> Self {
        Self { law, draws: seeds.family(Purpose::Error) }
    }

    /// The law of X.
    pub fn law(&self) -> &dyn Distribution {
        &self.law
    }

    /// X of a trajectory: its cell in a table, or its hash.
    pub fn at(&self, key: u64) -> f64 {
        self.law.sample(&mut self.draws.at(key))
    }

    /// The uniform number in (0, 1) that belongs to a trajectory, where X is tied to something else.
    pub fn uniform(&self, key: u64) -> f64 {
        self.draws.at(key).open_unit()
    }
}
