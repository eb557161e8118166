//! The resamples of [`super::double_bootstrap`]: by how much two estimators differ at every k.

use super::kernel::{BIWEIGHT, Sums, TRIWEIGHT};
use crate::foundation::rng::Stream;

/// Sums over resamples at every k.
pub(super) struct Curve {
    sum: Vec<f64>,
    resamples: Vec<u32>,
}

impl Curve {
    fn new(size: usize) -> Self {
        Self { sum: vec![0.0; size], resamples: vec![0; size] }
    }

    fn add(&mut self, k: usize, difference: f64) {
        let squared = difference * difference;
        if squared.is_finite() {
            self.sum[k] += squared;
            self.resamples[k] += 1;
        }
    }

    /// The k in [from, to] with the smallest mean, among those at which half of the resamples have a value.
    pub fn lowest(&self, from: usize, to: usize, resamples: usize) -> Option<usize> {
        (from..=to.min(self.sum.len().saturating_sub(1)))
            .filter(|k| 2 * self.resamples[*k] as usize >= resamples && self.resamples[*k] > 0)
            .map(|k| (k, self.sum[k] / f64::from(self.resamples[k])))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(k, _)| k)
    }
}

/// Hill, moment, kernel.
pub(super) struct Curves {
    pub of: [Curve; 3],
}

impl Curves {
    pub fn new(size: usize) -> Self {
        Self { of: [Curve::new(size), Curve::new(size), Curve::new(size)] }
    }
}

/// Draws resamples as counts of the sorted values, so that nothing is sorted twice.
pub(super) struct Resampler<'a> {
    logs: &'a [f64],
    powers: &'a [f64],
    counts: Vec<u32>,
}

impl<'a> Resampler<'a> {
    /// Of descending logarithms; `powers` holds iᵅ up to the size of a resample.
    pub fn new(logs: &'a [f64], powers: &'a [f64]) -> Self {
        Self { logs, powers, counts: vec![0; logs.len()] }
    }

    /// Draws `size` values and adds what the estimators differ by at every k.
    pub fn add(&mut self, stream: &mut Stream, size: usize, curves: &mut Curves) {
        self.counts.fill(0);
        for _ in 0..size {
            self.counts[stream.below(self.logs.len() as u64) as usize] += 1;
        }
        let mut walk = Walk::default();
        let mut drawn = self.counts.iter().zip(self.logs).filter(|(count, _)| **count > 0);
        let Some((&count, &log)) = drawn.next() else { return };
        let (mut left, mut here) = (count, log);
        for k in 1..size {
            let spacing = if left > 1 {
                left -= 1;
                0.0
            } else {
                let Some((&count, &log)) = drawn.next() else { return };
                let spacing = here - log;
                (left, here) = (count, log);
                spacing
            };
            walk.step(k as f64, self.powers[k], spacing);
            walk.add_to(k, curves);
        }
    }
}

/// Sums over the k largest of a resample, all relative to the next one.
#[derive(Default)]
struct Walk {
    /// Σ (ln Xᵢ − ln X₍ₖ₊₁₎)ʲ for j = 1, 2, 3.
    excess: [f64; 3],
    kernel: Sums,
    k: f64,
}

impl Walk {
    /// Goes on to the next k, from the k-th largest down by `spacing`.
    #[inline]
    fn step(&mut self, k: f64, k_to_alpha: f64, spacing: f64) {
        let d = spacing;
        let [a, b, c] = self.excess;
        // (x + d)ʲ summed over the k values, of which the k-th has x = 0.
        self.excess = [a + k * d, b + d * (2.0 * a + k * d), c + d * (3.0 * b + d * (3.0 * a + k * d))];
        self.kernel.add(k, k_to_alpha, d);
        self.k = k;
    }

    #[inline]
    fn add_to(&self, k: usize, curves: &mut Curves) {
        let per_value = 1.0 / self.k;
        let [m1, m2, m3] = self.excess.map(|sum| sum * per_value);
        curves.of[0].add(k, m2 - 2.0 * m1 * m1);
        let moment = m1 - 0.5 * m2 / (m2 - m1 * m1);
        let other = (0.5 * m2).sqrt() - 2.0 / 3.0 * m3 / (m3 - m1 * m2);
        curves.of[1].add(k, moment - other);
        curves.of[2]
            .add(k, self.kernel.estimate(&BIWEIGHT, per_value) - self.kernel.estimate(&TRIWEIGHT, per_value));
    }
}

#[cfg(test)]
mod tests {
    use super::super::kernel::ALPHA;
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    #[test]
    fn the_walk_gives_the_moments_of_every_k() {
        let logs = [3.0, 2.5, 2.5, 1.0, 0.2];
        let mut walk = Walk::default();
        for k in 1..logs.len() {
            walk.step(k as f64, (k as f64).powf(ALPHA), logs[k - 1] - logs[k]);
            for j in 1..=3 {
                let direct: f64 = logs[..k].iter().map(|l| (l - logs[k]).powi(j)).sum();
                assert!((walk.excess[j as usize - 1] - direct).abs() < 1e-12, "{k} {j}");
            }
        }
    }

    #[test]
    fn a_resample_has_its_size_and_counts_every_value() {
        let logs: Vec<f64> = (0..50).map(|i| f64::from(-i)).collect();
        let powers: Vec<f64> = (0..=40).map(|i| f64::from(i).powf(ALPHA)).collect();
        let mut resampler = Resampler::new(&logs, &powers);
        let mut curves = Curves::new(40);
        let mut stream = SeedTree::new(2, 0).stream(Purpose::Bootstrap, 0);
        resampler.add(&mut stream, 40, &mut curves);
        assert_eq!(resampler.counts.iter().sum::<u32>(), 40);
        // Hill's difference has a value at every k; at the last one it is that of the whole resample.
        assert_eq!(curves.of[0].resamples.iter().sum::<u32>(), 39);
        let drawn: Vec<f64> = logs
            .iter()
            .zip(&resampler.counts)
            .flat_map(|(l, c)| std::iter::repeat_n(*l, *c as usize))
            .collect();
        let moment = |j: i32| drawn[..39].iter().map(|l| (l - drawn[39]).powi(j)).sum::<f64>() / 39.0;
        let difference = moment(2) - 2.0 * moment(1).powi(2);
        assert!((curves.of[0].sum[39] - difference * difference).abs() < 1e-9 * curves.of[0].sum[39]);
    }
}
