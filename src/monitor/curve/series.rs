//! One column of step means: where it began, where it is, how it moves and how it scatters.

use super::change::{Change, changes};
use super::kendall::{self, Kendall};
use crate::foundation::failure::Status;
use crate::foundation::numeric;
use crate::foundation::order::{MAD_TO_SD, median};
use crate::foundation::runs::Runs;
use serde::Serialize;

/// Fewest means of which anything is said.
pub(super) const MIN_MEANS: usize = 10;

/// A column of means with their steps, in the order of the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// The step of each mean.
    pub steps: Vec<u64>,
    /// The means, all finite.
    pub values: Vec<f64>,
}

impl Series {
    /// The last mean of each step, and how many there are of one step at most: runs that follow each other in one file repeat them.
    /// `values` are those of `steps`, which ascend.
    pub fn last_run(name: &str, steps: &Runs, values: &[f64]) -> (Self, usize) {
        let mut last = Self { name: name.to_owned(), ..Self::default() };
        let (mut runs, mut end) = (1, 0);
        for (step, means) in steps.stretches() {
            runs = runs.max(*means);
            end += means;
            if let Some(value) = values.get(end - 1) {
                last.steps.push(*step);
                last.values.push(*value);
            }
        }
        (last, runs)
    }
}

/// What is said of a column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// How many means.
    pub n: usize,
    /// First step.
    pub first_step: u64,
    /// Last step.
    pub last_step: u64,
    /// Mean of the first tenth.
    pub start: f64,
    /// Mean of the last tenth.
    pub end: f64,
    /// Whether it rises or falls, by rank (Kendall 1938) over means of up to 20 blocks of steps.
    pub trend: Kendall,
    /// Standard deviation from one mean to the next, from the median of |differences|: what does not come from the trend.
    pub spread: f64,
    /// Where the level changes at once.
    pub changes: Vec<Change>,
}

/// Reads a column of means.
///
/// # Errors
/// [`Status::TooFew`] of fewer than ten.
pub fn curve(series: &Series) -> Result<Curve, Status> {
    let n = series.values.len().min(series.steps.len());
    let (Some(&first_step), Some(&last_step)) = (series.steps.first(), series.steps.last()) else {
        return Err(Status::TooFew { what: "step means", have: 0, need: MIN_MEANS });
    };
    if n < MIN_MEANS {
        return Err(Status::TooFew { what: "step means", have: n, need: MIN_MEANS });
    }
    let tenth = n.div_ceil(10);
    let mean = |values: &[f64]| numeric::sum(values.iter().copied()) / values.len().max(1) as f64;
    let differences: Vec<f64> = series.values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    Ok(Curve {
        name: series.name.clone(),
        n,
        first_step,
        last_step,
        start: mean(series.values.get(..tenth).unwrap_or_default()),
        end: mean(series.values.get(n - tenth..).unwrap_or_default()),
        trend: kendall::of_blocks(&series.values),
        // A difference of two has √2 times the deviation of one.
        spread: MAD_TO_SD * median(&differences).unwrap_or(0.0) / std::f64::consts::SQRT_2,
        changes: changes(&series.steps, &series.values),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    pub(crate) fn noisy(n: u64, seed: u64, level: impl Fn(u64) -> f64) -> Series {
        let mut rng = SeedTree::new(seed, 0).stream(Purpose::Bootstrap, 0);
        let mut normal = || (0..12).map(|_| rng.open_unit()).sum::<f64>() - 6.0;
        let values = (0..n).map(|step| level(step) + 0.1 * normal()).collect();
        Series { name: "reward".to_owned(), steps: (0..n).collect(), values }
    }

    #[test]
    fn start_end_trend_and_spread() {
        let rising = curve(&noisy(200, 1, |step| 0.01 * step as f64)).unwrap();
        assert!((rising.start - 0.1).abs() < 0.1 && (rising.end - 1.9).abs() < 0.1, "{rising:?}");
        assert!(rising.trend.tau > 0.9 && rising.trend.p_value < 1e-6 && (rising.spread - 0.1).abs() < 0.02);
        let flat = curve(&noisy(200, 2, |_| 1.0)).unwrap();
        assert!(flat.trend.p_value > 0.01 && flat.changes.is_empty(), "{flat:?}");
        assert!(matches!(curve(&noisy(9, 1, |_| 1.0)), Err(Status::TooFew { have: 9, .. })));
    }

    #[test]
    fn the_last_of_several_runs_is_read() {
        let steps = [0, 0, 1, 1, 2, 2].into_iter().collect();
        let (last, runs) = Series::last_run("a", &steps, &[9.0, 1.0, 9.0, 2.0, 9.0, 3.0]);
        assert_eq!((last.steps, last.values, runs), (vec![0, 1, 2], vec![1.0, 2.0, 3.0], 2));
    }
}
