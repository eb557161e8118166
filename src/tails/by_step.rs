//! Does the tail get heavier while the policy trains? One generalised Pareto fit for each window of training steps.

use super::{GpdFit, default_k, fit_gpd, support};
use crate::foundation::failure::Status;
use crate::foundation::numeric;
use crate::foundation::order;
use crate::foundation::runs::Runs;
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::borrow::Cow;

/// Most windows.
const WINDOWS: usize = 10;
/// Fewest rollouts in a window: at the top 5%, 20 excesses.
const MIN_ROWS: usize = 400;
/// Fewest windows that a trend is read from.
const MIN_WINDOWS: usize = 4;

/// The upper tail of the rollouts of neighbouring training steps.
#[derive(Debug, Clone, PartialEq)]
pub struct StepWindow {
    /// First training step.
    pub first: u64,
    /// Last training step.
    pub last: u64,
    /// Number of values.
    pub n: usize,
    /// Where the window's own tail begins: rewards drift, so the top 5% of one window are not those of another.
    pub threshold: f64,
    /// Number of excesses.
    pub k: usize,
    /// The largest value.
    pub max: f64,
    /// The fit of the excesses.
    pub gpd: Result<GpdFit, Status>,
}

/// Change of ξ along the windows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// ξ in the last window less that in the first, on the line through all windows.
    pub change: f64,
    /// Lower end of its 95% interval.
    pub ci_low: f64,
    /// Upper end.
    pub ci_high: f64,
}

impl Trend {
    /// Whether the interval leaves no room for 0.
    pub fn is_shown(&self) -> bool {
        self.ci_low > 0.0 || self.ci_high < 0.0
    }
}

/// Fits the tail of each of up to 10 windows of whole steps, each with at least 400 values; none where there are fewer than two.
///
/// `values` and `step` run side by side, in any order. NaN is left out.
pub fn tail_by_step(values: &[f64], step: &Runs) -> Vec<StepWindow> {
    let rows = ByStep::new(values, step);
    rows.cut(WINDOWS, MIN_ROWS).into_iter().filter_map(|rows| window(&rows)).collect()
}

/// Values with their steps, in the order of the steps.
pub(super) struct ByStep<'a> {
    pub values: Cow<'a, [f64]>,
    step: Cow<'a, [(u64, usize)]>,
}

impl<'a> ByStep<'a> {
    /// NaN is left out. Copied only where they are not so already.
    pub fn new(values: &'a [f64], step: &'a Runs) -> Self {
        if values.len() == step.len() && step.is_sorted() && !values.iter().any(|x| x.is_nan()) {
            return Self { values: Cow::Borrowed(values), step: Cow::Borrowed(step.stretches()) };
        }
        let mut rows: Vec<(u64, f64)> =
            step.iter().zip(values.iter().copied()).filter(|row| !row.1.is_nan()).collect();
        rows.sort_by_key(|row| row.0);
        let step: Runs = rows.iter().map(|row| row.0).collect();
        let values = rows.into_iter().map(|row| row.1).collect();
        Self { values: Cow::Owned(values), step: Cow::Owned(step.stretches().to_vec()) }
    }

    /// First and last step.
    pub fn span(&self) -> Option<(u64, u64)> {
        Some((self.step.first()?.0, self.step.last()?.0))
    }

    /// At most `windows` windows of whole steps with at least `least` values each; none where there are fewer than two.
    pub fn cut(&self, windows: usize, least: usize) -> Vec<ByStep<'_>> {
        let rows = self.values.len();
        let target = (rows / windows).max(least);
        // Where windows begin: the row, and the place of its step among the steps.
        let mut cuts = vec![(0, 0)];
        let mut row = 0;
        for (place, (_, times)) in self.step.iter().enumerate() {
            row += times;
            let start = cuts.last().map_or(0, |cut| cut.0);
            if row - start >= target && rows - row >= target {
                cuts.push((row, place + 1));
            }
        }
        if cuts.len() < 2 {
            return Vec::new();
        }
        cuts.push((rows, self.step.len()));
        let window = |cut: &[(usize, usize)]| {
            let [(row, place), (next_row, next_place)] = *cut else { return None };
            let (values, step) = (self.values.get(row..next_row)?, self.step.get(place..next_place)?);
            Some(ByStep { values: Cow::Borrowed(values), step: Cow::Borrowed(step) })
        };
        cuts.windows(2).filter_map(window).collect()
    }
}

fn window(rows: &ByStep<'_>) -> Option<StepWindow> {
    let descending = order::descending(&rows.values);
    let (first, last) = rows.span()?;
    let n = descending.len();
    let threshold = *descending.get(default_k(n))?;
    let k = descending.partition_point(|x| *x > threshold);
    let gpd = support::check_tail(&descending, k).and_then(|()| fit_gpd(&descending[..k], threshold));
    Some(StepWindow { first, last, n, threshold, k, max: *descending.first()?, gpd })
}

/// The change of ξ by least squares over the windows' middle steps, windows weighed by their excesses.
///
/// The interval is Student's, from the scatter around the line: it needs no variance of the fits, which at some tens of
/// excesses is larger than the asymptotic one, and it is wide where the change is no line.
///
/// # Errors
/// [`Status::TooFew`] of fewer than four windows with a fit.
pub fn trend(windows: &[StepWindow]) -> Result<Trend, Status> {
    // Middle of the steps, ξ, k.
    let fits: Vec<(f64, f64, f64)> = (windows.iter())
        .filter_map(|w| {
            w.gpd.as_ref().ok().map(|fit| (0.5 * (w.first as f64 + w.last as f64), fit.xi, fit.k as f64))
        })
        .collect();
    let too_few = Status::TooFew { what: "windows with a fit", have: fits.len(), need: MIN_WINDOWS };
    let (Some(first), Some(last)) = (fits.first(), fits.last().filter(|_| fits.len() >= MIN_WINDOWS)) else {
        return Err(too_few);
    };
    let free = (fits.len() - 2) as f64;
    let Ok(student) = StudentsT::new(0.0, 1.0, free) else { return Err(too_few) };
    let sum = |of: &dyn Fn(f64, f64) -> f64| numeric::sum(fits.iter().map(|&(step, xi, k)| k * of(step, xi)));
    let weight = sum(&|_, _| 1.0);
    let (step, xi) = (sum(&|step, _| step) / weight, sum(&|_, xi| xi) / weight);
    let squares = sum(&|s, _| (s - step).powi(2));
    let slope = sum(&|s, x| (s - step) * (x - xi)) / squares;
    let scatter = sum(&|s, x| (x - xi - slope * (s - step)).powi(2)) / free;
    let span = last.0 - first.0;
    let half = student.inverse_cdf(0.975) * (scatter / squares).sqrt() * span;
    Ok(Trend { change: slope * span, ci_low: slope * span - half, ci_high: slope * span + half })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    fn tail_by_step(values: &[f64], step: &[u64]) -> Vec<StepWindow> {
        super::tail_by_step(values, &step.into())
    }

    /// 30 steps of `rows` generalised Pareto values of shape xi(step), shifted by the step.
    fn log(index: u64, rows: usize, xi: impl Fn(u64) -> f64) -> (Vec<f64>, Vec<u64>) {
        let mut stream = SeedTree::new(3, 0).stream(Purpose::Bootstrap, index);
        (0..30u64)
            .flat_map(|step| std::iter::repeat_n(step, rows))
            .map(|step| (step as f64 + (stream.open_unit().powf(-xi(step)) - 1.0) / xi(step), step))
            .unzip()
    }

    #[test]
    fn windows_are_whole_steps_and_hold_every_row() {
        let (values, step) = log(0, 200, |_| 0.3);
        let windows = tail_by_step(&values, &step);
        assert_eq!(windows.iter().map(|w| w.n).sum::<usize>(), values.len());
        assert!(windows.len() == 10 && windows.iter().all(|w| w.n >= MIN_ROWS), "{windows:?}");
        assert!(windows.windows(2).all(|w| w[0].last + 1 == w[1].first));
        let backwards: (Vec<f64>, Vec<u64>) =
            (values.iter().rev().copied().collect(), step.iter().rev().copied().collect());
        assert_eq!(tail_by_step(&backwards.0, &backwards.1), windows);
        assert!(tail_by_step(&values[..700], &step[..700]).is_empty());
        assert!(tail_by_step(&values, &[7; 6000]).is_empty() && tail_by_step(&[], &[]).is_empty());
    }

    /// 300 logs whose tail does not change: the count of intervals that hold 0 is binomial around 285 with standard deviation 3.8; 268
    /// (89%) is 4.5 of them away.
    #[test]
    fn a_tail_that_does_not_change_shows_no_trend() {
        let holds = |index| {
            let (values, step) = log(index, 200, |_| 0.3);
            let trend = trend(&tail_by_step(&values, &step)).unwrap();
            trend.ci_low <= 0.0 && 0.0 <= trend.ci_high
        };
        let held = (0..300).filter(|i| holds(*i)).count();
        assert!(held >= 268, "{held}");
    }

    #[test]
    fn a_tail_that_gets_heavier_is_seen() {
        let (values, step) = log(1, 2000, |step| 0.05 + 0.04 * step as f64);
        let trend = trend(&tail_by_step(&values, &step)).unwrap();
        assert!(trend.ci_low > 0.6 && trend.change < 1.6, "{trend:?}");
    }

    #[test]
    fn without_fits_there_is_no_trend() {
        let values: Vec<f64> = (0..6000).map(|i| f64::from(i % 2)).collect();
        let step: Vec<u64> = (0..6000).map(|i| i / 200).collect();
        let windows = tail_by_step(&values, &step);
        assert!(windows.iter().all(|w| w.gpd == Err(Status::Discrete { distinct: 2 })));
        assert!(matches!(trend(&windows), Err(Status::TooFew { have: 0, need: 4, .. })));
    }
}
