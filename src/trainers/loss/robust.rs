//! Advantages that a lone outlier cannot carry away: robust baselines, and bounds on the influence of one rollout.
//!
//! The policy gradient is a mean of A·∇ln π over a batch. Under heavy tails the plain mean is the worst of estimators: one
//! rollout can be all of it. What follows are the classical remedies (Lugosi & Mendelson 2019, "Mean estimation and regression
//! under heavy-tailed distributions: a survey"), applied to the baseline and to the terms. They bound real excellence alike.

use crate::foundation::numeric::sum;
use crate::foundation::order::{MAD_TO_SD, mad, median, sorted};

/// The trimmed mean: without the ⌊share·n⌋ smallest and as many largest values (Lugosi & Mendelson 2019, section 2.3, without
/// the split of the sample). 0 of nothing.
pub fn trimmed_mean(values: &[f64], share: f64) -> f64 {
    let cut = (share * values.len() as f64).floor() as usize;
    let ascending = sorted(values);
    let kept = ascending.get(cut..ascending.len().saturating_sub(cut)).unwrap_or_default();
    if kept.is_empty() {
        median(values).unwrap_or(0.0)
    } else {
        sum(kept.iter().copied()) / kept.len() as f64
    }
}

/// The median of the means of `blocks` runs of adjacent values, whose lengths differ by one at most (Nemirovsky & Yudin 1983).
/// 0 of nothing.
pub fn median_of_means(values: &[f64], blocks: usize) -> f64 {
    let n = values.len();
    let blocks = blocks.clamp(1, n.max(1));
    let means: Vec<f64> = (0..blocks)
        .map(|block| &values[block * n / blocks..(block + 1) * n / blocks])
        .filter(|block| !block.is_empty())
        .map(|block| sum(block.iter().copied()) / block.len() as f64)
        .collect();
    median(&means).unwrap_or(0.0)
}

/// Spread of a batch's rewards in units of a normal's standard deviation: 1.4826·MAD.
fn spread(rewards: &[f64]) -> f64 {
    mad(rewards).unwrap_or(0.0) * MAD_TO_SD
}

/// The truncated mean's terms (Bubeck, Cesa-Bianchi & Lugosi 2013, section 2.1): A where |A| ≤ `spreads`·s, else 0, with
/// s = 1.4826·MAD of the batch's rewards. Where more than half of them are equal, s and all advantages are 0.
pub(super) fn truncate(advantages: &mut [f64], rewards: &[f64], spreads: f64) {
    let spread = spread(rewards);
    let largest = spreads * spread;
    for advantage in advantages {
        if spread == 0.0 || advantage.abs() > largest {
            *advantage = 0.0;
        }
    }
}

/// Catoni's terms (Catoni 2012, eq. 2.1): ψ(αA)/α with ψ(x) = ±ln(1 + |x| + x²/2), which is x near 0 and grows as 2·ln|x|, and
/// α = √(2·ln(1/δ)/n)/s for n rollouts, confidence 1 − δ and s = 1.4826·MAD of the batch's rewards. Where more than half of
/// them are equal, s and all advantages are 0: the limit s → 0.
pub(super) fn catoni(advantages: &mut [f64], rewards: &[f64], delta: f64) {
    let spread = spread(rewards);
    let alpha = (-2.0 * delta.ln() / rewards.len() as f64).sqrt() / spread;
    for advantage in advantages {
        *advantage = if spread > 0.0 { influence(alpha * *advantage) / alpha } else { 0.0 };
    }
}

/// ψ.
fn influence(x: f64) -> f64 {
    let size = x.abs();
    // Beyond 1e150 the square overflows; there ln(1 + x + x²/2) is 2·ln x − ln 2 to the last digit.
    let grown = if size > 1e150 {
        2.0 * size.ln() - std::f64::consts::LN_2
    } else {
        (size + 0.5 * size * size).ln_1p()
    };
    grown.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_means_are_those_worked_out_by_hand() {
        let values = [9.0, -100.0, 1.0, 2.0, 3.0, 1e6, 4.0, 5.0, 0.0, 6.0];
        // Without −100 and 1e6: 9 + 1 + 2 + 3 + 4 + 5 + 0 + 6 = 30 over 8.
        assert_eq!(trimmed_mean(&values, 0.1), 3.75);
        assert_eq!(trimmed_mean(&values, 0.19), 3.75);
        assert_eq!(trimmed_mean(&values, 0.01), sum(values) / 10.0);
        // Blocks of 3, 3, 4: −30, 333 335, 3.75.
        assert_eq!(median_of_means(&values, 3), 3.75);
        assert_eq!(median_of_means(&values, 1), sum(values) / 10.0);
        assert_eq!(median_of_means(&values, 10), 3.5);
        assert_eq!(median_of_means(&[1.0, 2.0], 9), 1.5);
        assert_eq!((trimmed_mean(&[], 0.1), median_of_means(&[], 3)), (0.0, 0.0));
    }

    #[test]
    fn an_outlier_moves_neither_mean_whatever_its_size() {
        let with = |outlier: f64| {
            let mut values: Vec<f64> = (0..64).map(|i| f64::from(i % 7)).collect();
            values[20] = outlier;
            (trimmed_mean(&values, 0.05), median_of_means(&values, 8))
        };
        assert_eq!(with(1e3), with(1e12));
    }

    #[test]
    fn truncation_drops_what_lies_beyond() {
        // Median 2, MAD 1: two spreads are 2.97.
        let rewards = [0.0, 1.0, 2.0, 3.0, 50.0];
        let mut advantages = [-3.0, -1.0, 0.0, 2.9, 48.0];
        truncate(&mut advantages, &rewards, 2.0);
        assert_eq!(advantages, [0.0, -1.0, 0.0, 2.9, 0.0]);
    }

    #[test]
    fn catoni_is_the_identity_near_zero_and_a_logarithm_far_out() {
        let rewards = [0.0, 1.0, 2.0, 3.0, 50.0];
        let alpha = (-2.0 * 0.05f64.ln() / 5.0).sqrt() / MAD_TO_SD;
        let mut advantages = [1e-6, -3.0, 48.0, 1e200, 0.0];
        catoni(&mut advantages, &rewards, 0.05);
        assert!((advantages[0] / 1e-6 - 1.0).abs() < 1e-5);
        let by_hand = |a: f64| (1.0 + alpha * a + 0.5 * (alpha * a).powi(2)).ln() / alpha;
        assert!(
            (advantages[1] + by_hand(3.0)).abs() < 1e-12 && (advantages[2] - by_hand(48.0)).abs() < 1e-12
        );
        let far = (2.0 * (alpha * 1e200f64).ln() - 2f64.ln()) / alpha;
        assert!((advantages[3] - far).abs() < 1e-9 && advantages[4] == 0.0);
    }

    #[test]
    fn a_batch_of_which_most_are_equal_moves_nothing() {
        let rewards = [1.0, 1.0, 1.0, 7.0];
        for bound in
            [|a: &mut [f64], r: &[f64]| truncate(a, r, 5.0), |a: &mut [f64], r: &[f64]| catoni(a, r, 0.01)]
        {
            let mut advantages = [0.0, 0.0, 0.0, 6.0];
            bound(&mut advantages, &rewards);
            assert_eq!(advantages, [0.0; 4]);
        }
    }
}
