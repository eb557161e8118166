//! The mean of a quantity under best-of-n, estimated without bias from m ≥ n samples of the reference.
//!
//! The average, over all C(m, n) subsets of n samples, of the quantity of the subset's best one. The i-th smallest of m
//! samples is the best of C(i − 1, n − 1) subsets: Nakano et al. 2021 (WebGPT, arXiv 2112.09332); for a quantity that is
//! the proxy and 0 or 1, pass@k of Chen et al. 2021 (arXiv 2107.03374), equation 1.

use crate::foundation::numeric::CompensatedSum;
use crate::theory::TheoryError;
use crate::theory::error::require;

/// An unbiased estimate of E\[f(best of n)\] from samples (proxy, f), in any order; ties of the proxy share their weight.
///
/// # Errors
/// `n` is 0 or above the number of samples; a number that is not finite.
pub fn unbiased_best_of_n(samples: &[(f64, f64)], n: usize) -> Result<f64, TheoryError> {
    let m = samples.len();
    let range = format!("a whole number from 1 to {m}, the number of samples,");
    require("the number of draws n", n as f64, n >= 1 && n <= m, &range)?;
    for (i, &(proxy, value)) in samples.iter().enumerate() {
        for (argument, number) in [("a sample's proxy", proxy), ("a sample's value", value)] {
            require(argument, number, number.is_finite(), &format!("a finite number in sample {i}"))?;
        }
    }
    let mut descending = samples.to_vec();
    descending.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut sum = CompensatedSum::default();
    // C(i − 1, n − 1)/C(m, n) for i = m is n/m; each further factor takes i down by one.
    let (mut weight, mut i) = (n as f64 / m as f64, m);
    for tied in descending.chunk_by(|a, b| a.0 == b.0) {
        let mut share = CompensatedSum::default();
        for _ in tied {
            share.add(weight);
            weight = if i > n { weight * (i - n) as f64 / (i - 1) as f64 } else { 0.0 };
            i -= 1;
        }
        let mean =
            tied.iter().map(|(_, value)| value / tied.len() as f64).collect::<CompensatedSum>().value();
        sum.add(share.value() * mean);
    }
    Ok(sum.value())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The average over every subset of n, ties in a subset shared.
    fn enumerated(samples: &[(f64, f64)], n: usize) -> f64 {
        let (mut sum, mut subsets) = (0.0, 0.0);
        for bits in 0u32..1 << samples.len() {
            if bits.count_ones() as usize != n {
                continue;
            }
            let chosen = || (0..samples.len()).filter(|i| bits >> i & 1 == 1).map(|i| samples[i]);
            let top = chosen().map(|s| s.0).fold(f64::NEG_INFINITY, f64::max);
            let best: Vec<f64> = chosen().filter(|s| s.0 == top).map(|s| s.1).collect();
            sum += best.iter().sum::<f64>() / best.len() as f64;
            subsets += 1.0;
        }
        sum / subsets
    }

    #[test]
    fn every_subset_counts_once() {
        let distinct =
            [(3.0, 1.0), (1.0, -4.0), (2.0, 7.5), (9.0, 0.25), (-5.0, 2.0), (4.0, -1.0), (0.0, 3.0)];
        let tied = [(1.0, 1.0), (2.0, -4.0), (2.0, 7.0), (1.0, 3.0), (0.0, 2.0), (2.0, 1.0)];
        for n in 1..=7 {
            let (found, want) = (unbiased_best_of_n(&distinct, n).unwrap(), enumerated(&distinct, n));
            assert!((found - want).abs() < 1e-14, "n = {n}: {found} against {want}");
        }
        for n in 1..=6 {
            let (found, want) = (unbiased_best_of_n(&tied, n).unwrap(), enumerated(&tied, n));
            assert!((found - want).abs() < 1e-14, "ties, n = {n}: {found} against {want}");
        }
    }

    // Every sample of m = 3 from two outcomes, by its probability: the estimator's mean is E[f(best of 2)].
    #[test]
    fn the_estimator_is_unbiased() {
        let (p, outcomes) = (0.3, [(0.0, 5.0), (1.0, -2.0)]);
        let mut mean = 0.0;
        for bits in 0..8u32 {
            let drawn: Vec<usize> = (0..3).map(|i| (bits >> i & 1) as usize).collect();
            let chance: f64 = drawn.iter().map(|&d| if d == 1 { p } else { 1.0 - p }).product();
            let samples: Vec<(f64, f64)> = drawn.iter().map(|&d| outcomes[d]).collect();
            mean += chance * unbiased_best_of_n(&samples, 2).unwrap();
        }
        let lower = (1.0 - p) * (1.0 - p);
        assert!((mean - (5.0 * lower - 2.0 * (1.0 - lower))).abs() < 1e-14, "{mean}");
    }

    #[test]
    fn pass_at_k_is_a_case_of_it() {
        // 3 of 10 correct, k = 4: 1 − C(7, 4)/C(10, 4).
        let samples: Vec<(f64, f64)> = (0..10).map(|i| f64::from(u8::from(i < 3))).map(|x| (x, x)).collect();
        assert!((unbiased_best_of_n(&samples, 4).unwrap() - (1.0 - 35.0 / 210.0)).abs() < 1e-15);
    }

    #[test]
    fn many_samples_keep_their_digits() {
        let samples: Vec<(f64, f64)> = (0..1_000_000).map(|i| (f64::from(i), 1.0)).collect();
        for n in [1, 2, 1000, 1_000_000] {
            let total = unbiased_best_of_n(&samples, n).unwrap();
            assert!((total - 1.0).abs() < 1e-10, "the weights of n = {n} sum to {total}");
        }
    }

    #[test]
    fn what_cannot_be_estimated_is_refused() {
        for n in [0, 3] {
            assert!(unbiased_best_of_n(&[(0.0, 1.0), (1.0, 2.0)], n).is_err(), "{n}");
        }
        assert!(unbiased_best_of_n(&[(f64::NAN, 1.0)], 1).is_err());
        let message = unbiased_best_of_n(&[(0.0, f64::INFINITY)], 1).unwrap_err().to_string();
        assert_eq!(message, "a sample's value is inf; a finite number in sample 0 is needed");
    }
}
