//! Completions that are compared with each other: the listed with others of their groups, where rollouts have groups of four, else of their
//! steps. Which others is drawn by a lot that belongs to each rollout, so that a log that is read while it grows gives the same ones.

use super::list::tie;

/// Completions that are looked at in all, of one step at most and at least.
const LOOKED_AT: usize = 800;
pub(in crate::monitor) const OF_A_STEP: usize = 48;
const OF_A_STEP_AT_LEAST: usize = 4;
/// Entries whose texts are compared, the highest first.
pub(in crate::monitor) const COMPARED: usize = 60;
/// Rollouts of its group that a listed one is compared with, at most.
pub(in crate::monitor) const MATES: usize = 13;
/// Sets this lot apart from those that other draws go by.
const OWN: u64 = 0x7465_7874;

/// A completion that was looked at.
#[derive(Debug, Clone)]
pub(in crate::monitor) struct Sample {
    /// Those that it is compared with have the same: its group within the step, else its step.
    pub stratum: u64,
    /// Whether it is listed.
    pub listed: bool,
    pub text: String,
    /// Characters that were cut out of the text.
    pub left_out: usize,
    /// What was asked, where that is known.
    pub prompt: Option<String>,
}

impl Sample {
    /// Characters of the whole text.
    pub fn characters(&self) -> f64 {
        (self.text.chars().count() + self.left_out) as f64
    }
}

/// Others of each step, where so many steps have listed ones.
pub(in crate::monitor) fn of_a_step(steps: usize) -> usize {
    (LOOKED_AT / steps.max(1)).clamp(OF_A_STEP_AT_LEAST, OF_A_STEP)
}

/// Up to `most` of these rollouts, drawn by lot.
pub(in crate::monitor) fn by_lot<T>(mut from: Vec<T>, number: impl Fn(&T) -> u64, most: usize) -> Vec<T> {
    from.sort_by_cached_key(|of| tie(number(of) ^ OWN));
    from.truncate(most);
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lot_belongs_to_its_rollout() {
        let numbers: Vec<u64> = (0..100).collect();
        let drawn = by_lot(numbers.clone(), |number| *number, 10);
        assert_eq!(drawn.len(), 10);
        assert_eq!(by_lot(numbers.into_iter().rev().collect(), |number| *number, 10), drawn);
        assert!(drawn.iter().any(|number| *number >= 50) && drawn.iter().any(|number| *number < 50));
        assert_eq!((of_a_step(1), of_a_step(60), of_a_step(10_000)), (48, 13, 4));
    }
}
