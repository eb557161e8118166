//! Outcomes by their order of first sampling.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Numbers outcomes 0, 1, 2 … as they turn up.
#[derive(Debug, Default)]
pub(super) struct Numbering(HashMap<u64, usize, BuildHasherDefault<OutcomeHasher>>);

impl Numbering {
    /// The number of `outcome`: the next one if it is new.
    pub fn number(&mut self, outcome: u64) -> usize {
        let next = self.0.len();
        *self.0.entry(outcome).or_insert(next)
    }
}

/// Multiply and fold: outcome numbers are small integers or hashes already, and no adversary picks them.
#[derive(Debug, Default)]
struct OutcomeHasher(u64);

impl Hasher for OutcomeHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ 0x9E37_79B9_7F4A_7C15) * 0xD6E8_FEB8_6659_FD93;
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_first_sampling() {
        let mut numbering = Numbering::default();
        let numbers = [9, 4, 9, u64::MAX, 4, 0].map(|outcome| numbering.number(outcome));
        assert_eq!(numbers, [0, 1, 0, 2, 1, 3]);
    }
}
