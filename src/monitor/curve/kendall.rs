//! Does a series rise or fall? Kendall's rank correlation with time (Kendall 1938; Mann 1945).

use crate::foundation::numeric;
use serde::Serialize;
use statrs::function::erf::erfc;

/// Most blocks: neighbouring means depend on each other, and means of blocks hardly do.
const BLOCKS: usize = 20;

/// A rank correlation with time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Kendall {
    /// From −1 (falls throughout) to 1 (rises throughout).
    pub tau: f64,
    /// Two-sided p-value of no trend (normal approximation, ties taken into account).
    pub p_value: f64,
}

impl Kendall {
    /// 1 rises, −1 falls, 0 neither at 1%.
    pub fn direction(&self) -> i8 {
        match (self.p_value <= 0.01, self.tau > 0.0) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => -1,
        }
    }
}

/// Of the means of up to 20 blocks of equal length.
pub(super) fn of_blocks(values: &[f64]) -> Kendall {
    let blocks = BLOCKS.min(values.len());
    let at = |block: usize| block * values.len() / blocks.max(1);
    let means: Vec<f64> = (0..blocks)
        .filter_map(|block| {
            let own = values.get(at(block)..at(block + 1))?;
            Some(numeric::sum(own.iter().copied()) / own.len().max(1) as f64)
        })
        .collect();
    of(&means)
}

fn of(values: &[f64]) -> Kendall {
    let n = values.len() as f64;
    let mut sum = 0.0;
    for (i, a) in values.iter().enumerate() {
        for b in values.iter().skip(i + 1) {
            sum += if b > a { 1.0 } else { 0.0 } - if b < a { 1.0 } else { 0.0 };
        }
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let ties: f64 = sorted
        .chunk_by(|a, b| a == b)
        .map(|tied| tied.len() as f64)
        .map(|t| t * (t - 1.0) * (2.0 * t + 5.0))
        .sum();
    let variance = (n * (n - 1.0) * (2.0 * n + 5.0) - ties) / 18.0;
    if n < 3.0 || variance <= 0.0 {
        return Kendall { tau: 0.0, p_value: 1.0 };
    }
    // Continuity: the sum moves in steps of two.
    let z = (f64::abs(sum) - 1.0).max(0.0) / variance.sqrt();
    Kendall { tau: sum / (0.5 * n * (n - 1.0)), p_value: erfc(z / std::f64::consts::SQRT_2).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_share_of_rising_pairs_less_that_of_falling_ones() {
        let found = of(&[1.0, 3.0, 2.0, 4.0]);
        assert!((found.tau - 4.0 / 6.0).abs() < 1e-12);
        let rising: Vec<f64> = (0..10).map(f64::from).collect();
        // S = 45, variance 125.
        assert!((of(&rising).p_value - erfc(44.0 / 125f64.sqrt() / 2f64.sqrt())).abs() < 1e-12);
        assert_eq!((of(&rising).direction(), of(&[1.0; 9]).direction()), (1, 0));
        assert_eq!(of_blocks(&[]), Kendall { tau: 0.0, p_value: 1.0 });
        assert_eq!(of_blocks(&(0..1000).map(|i| -f64::from(i)).collect::<Vec<_>>()).tau, -1.0);
    }
}
