//! Rewards of a few values: how many there are, and which of them pass.

use serde::{Deserialize, Serialize};

/// Most distinct rewards that are few.
pub(super) const FEW: usize = 10;
/// Rewards for each distinct value, at least, if those are few.
const REPEATED: usize = 5;

/// Distinct values, up to one more than are few.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::monitor) struct Values {
    distinct: Vec<f64>,
    seen: usize,
}

impl Values {
    pub fn see(&mut self, reward: f64) {
        self.seen += 1;
        if self.distinct.len() <= FEW && !self.distinct.contains(&reward) {
            self.distinct.push(reward);
        }
    }

    /// Halfway between the lowest and the highest, if there are few.
    pub fn halfway(&self) -> Option<f64> {
        let low = self.distinct.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.distinct.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (self.few().is_some() && low < high).then_some(f64::midpoint(low, high))
    }

    /// How many, if they are few.
    pub fn few(&self) -> Option<usize> {
        let distinct = self.distinct.len();
        (distinct <= FEW && (distinct <= 1 || self.seen >= REPEATED * distinct)).then_some(distinct)
    }
}
