//! P-values of permutations, which are gone on with until it is sure on which side of a level they lie.
//!
//! Of a fixed number of them a p-value near its level lies on the one side or the other as the draws have it. So they are looked at after
//! more and more of them, and end where each count is one that its level hardly gives (Gandy 2009), or at the last look.

use crate::foundation::binomial;

/// After so many permutations it is looked whether there are enough.
pub(super) const LOOKS: [usize; 6] = [399, 999, 1999, 4999, 9999, 19_999];
/// Probability, at each look, of a count on the wrong side.
const ERROR: f64 = 1e-4;

/// How many of the permutations go as far as what was found, where that matters with the level that it is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Count {
    pub as_far: usize,
    pub level: Option<f64>,
}

impl Count {
    /// Whether it is known on which side of its level the p-value lies, by so many permutations.
    pub fn is_settled(self, permutations: usize) -> bool {
        self.level.is_none_or(|level| {
            let (n, k) = (permutations as u64, self.as_far as u64);
            let as_many = k.checked_sub(1).map_or(1.0, |below| binomial::sf(n, level, below));
            binomial::cdf(n, level, k) <= ERROR || as_many <= ERROR
        })
    }

    /// The p-value, by so many permutations.
    pub fn p_value(self, permutations: usize) -> f64 {
        (1 + self.as_far) as f64 / (1 + permutations) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_settled_where_its_level_hardly_gives_it() {
        let settled = |as_far, permutations| Count { as_far, level: Some(0.01) }.is_settled(permutations);
        // 4 of 399, 10 of 999 and 200 of 19,999 are what the level gives.
        for (few, many, of) in [(0, 26, 999), (24, 90, 4999), (140, 270, 19_999)] {
            assert!(settled(few, of) && settled(many, of), "{of}");
            assert!(!settled(of / 100, of) && !settled(of / 90, of), "{of}");
        }
        assert!(!settled(0, 399) && settled(20, 399));
        assert!(Count { as_far: 4, level: None }.is_settled(399), "it does not matter");
        assert_eq!(Count { as_far: 0, level: None }.p_value(399), 0.0025);
    }
}
