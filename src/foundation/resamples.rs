//! The percentile bootstrap of many means over the same replicates: what is drawn, is drawn once.

use super::bootstrap::{Bootstrap, Estimate, Interval, MIN_REPLICATES};
use super::failure::Status;
use super::numeric::mean;
use super::rng::{Purpose, SeedTree};
use std::collections::BTreeMap;

/// Intervals of means, equal to those of [`Bootstrap::interval`] at the same seed, for a fraction of its time: the draws of
/// each number of replicates are kept.
#[derive(Debug)]
pub struct Resamples {
    bootstrap: Bootstrap,
    drawn: BTreeMap<usize, Vec<u32>>,
}

impl Resamples {
    /// Keeps the draws of `bootstrap`.
    pub fn new(bootstrap: Bootstrap) -> Self {
        Self { bootstrap, drawn: BTreeMap::new() }
    }

    /// Mean of one value a replicate, with its interval. For a paired comparison give differences.
    ///
    /// Fails with [`Status::TooFew`] below [`MIN_REPLICATES`] values, with [`Status::Undefined`] where one is not finite.
    pub fn mean(&mut self, values: &[f64]) -> Result<Estimate, Status> {
        let n = values.len();
        if n < MIN_REPLICATES {
            return Err(Status::TooFew { what: "replicates", have: n, need: MIN_REPLICATES });
        }
        let value = mean(values)
            .filter(|value| value.is_finite())
            .ok_or(Status::Undefined { reason: "a value is not finite" })?;
        let Bootstrap { seed, resamples, confidence } = self.bootstrap;
        let drawn = self.drawn.entry(n).or_insert_with(|| {
            let streams = SeedTree::new(seed, 0).family(Purpose::Bootstrap);
            let one = |resample| {
                let mut stream = streams.at(resample);
                (0..n).map(move |_| stream.below(n as u64) as u32).collect::<Vec<u32>>()
            };
            (0..resamples).flat_map(one).collect()
        });
        let mut means: Vec<f64> = (drawn.chunks_exact(n))
            .map(|rows| rows.iter().map(|&row| values[row as usize]).sum::<f64>() / n as f64)
            .collect();
        means.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - confidence.get()) / 2.0;
        let cut = ((resamples as f64 + 1.0) * tail * (1.0 + 1e-12)) as usize;
        let ends = cut
            .checked_sub(1)
            .and_then(|k| Some((*means.get(k)?, *means.get(means.len().checked_sub(1 + k)?)?)));
        let need = (1.0 / tail).ceil() as usize - 1;
        let (low, high) = ends.ok_or(Status::TooFew { what: "resamples", have: resamples as usize, need })?;
        Ok(Estimate { value, interval: Interval { low, high }, n })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_those_of_the_bootstrap() {
        let mut resamples = Resamples::new(Bootstrap::new(5));
        for n in [5, 16, 16, 48] {
            let values: Vec<f64> = (0..n).map(|i| f64::from(i * i % 11) * 0.3).collect();
            let ids: Vec<u64> = (0..n as u64).collect();
            let average = |rows: &[usize]| mean(&rows.iter().map(|&i| values[i]).collect::<Vec<_>>());
            let slow = Bootstrap::new(5).interval(&ids, average).unwrap();
            let quick = resamples.mean(&values).unwrap();
            assert!((slow.value - quick.value).abs() < 1e-12);
            assert!((slow.interval.low - quick.interval.low).abs() < 1e-12, "{slow:?} {quick:?}");
            assert!((slow.interval.high - quick.interval.high).abs() < 1e-12);
        }
    }

    #[test]
    fn too_little_is_a_status() {
        let mut resamples = Resamples::new(Bootstrap::new(5));
        assert!(matches!(resamples.mean(&[1.0; 4]), Err(Status::TooFew { have: 4, .. })));
        assert!(matches!(resamples.mean(&[f64::NAN; 9]), Err(Status::Undefined { .. })));
        let mut coarse = Resamples::new(Bootstrap { resamples: 20, ..Bootstrap::new(5) });
        assert!(matches!(coarse.mean(&[1.0; 9]), Err(Status::TooFew { what: "resamples", .. })));
    }
}
