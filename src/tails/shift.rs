//! Has the top of the rewards moved during training, so far that the pooled tail is that of one part of the log?

use super::TAIL_FRACTION;
use super::by_step::ByStep;
use crate::foundation::order;
use crate::foundation::runs::Runs;
use statrs::distribution::{DiscreteCDF, Hypergeometric};

/// Most windows of steps.
const WINDOWS: usize = 10;
/// Fewest rollouts of a window in a log that has them: those of a window that a tail is fitted to.
const MIN_ROWS: usize = 400;
/// Fewest rollouts of a window in a shorter log.
const MIN_ROWS_OF_A_SHORT_LOG: usize = 100;
/// Probability of a shift where there is none, over all windows of a log.
const LEVEL: f64 = 1e-3;

/// Neighbouring steps and where their top 5% begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// First step.
    pub first: u64,
    /// Last step.
    pub last: u64,
    /// What 5% of the rollouts of these steps exceed.
    pub level: f64,
}

/// A top that has moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The steps at the beginning.
    pub before: Level,
    /// The first steps whose top is elsewhere.
    pub after: Level,
}

/// The first window of steps whose top 5% has moved away from that of the first window by more than the distance from the
/// median to the top 5% (the smaller one of both windows), beyond chance; `None` where none has, or where there are fewer
/// than two windows of 100 rollouts.
///
/// So far apart, hardly a value of one window lies in the tail of the other, and what is pooled is the tail of one of them. A policy
/// that learns slowly, by less than that, is not a shift. Chance: Fisher's exact test of the number of rollouts above, at
/// .001 over all windows. `values` and `step` run side by side, in any order; NaN is left out.
pub fn shift(values: &[f64], step: &Runs) -> Option<Shift> {
    let rows = ByStep::new(values, step);
    let least = if rows.values.len() >= 2 * MIN_ROWS { MIN_ROWS } else { MIN_ROWS_OF_A_SHORT_LOG };
    let windows = rows.cut(WINDOWS, least);
    let (first, rest) = windows.split_first()?;
    let (first, level) = (Window::of(first)?, LEVEL / rest.len() as f64);
    let moved = |other: &Window| other.is_above(&first, level) || first.is_above(other, level);
    let after = rest.iter().filter_map(Window::of).find(moved)?;
    Some(Shift { before: first.at, after: after.at })
}

struct Window {
    at: Level,
    median: f64,
    ascending: Vec<f64>,
}

impl Window {
    fn of(rows: &ByStep<'_>) -> Option<Self> {
        let ascending = order::sorted(&rows.values);
        let n = ascending.len();
        let (first, last) = rows.span()?;
        let level = *ascending.get(n - 1 - (n as f64 * TAIL_FRACTION) as usize)?;
        let median = *ascending.get(n / 2)?;
        Some(Self { at: Level { first, last, level }, median, ascending })
    }

    fn above(&self, x: f64) -> usize {
        self.ascending.len() - self.ascending.partition_point(|y| *y <= x)
    }

    /// Whether this window's top 5% lies above that of the other one by more than its own distance from the median, beyond chance.
    fn is_above(&self, other: &Self, level: f64) -> bool {
        let spread = (self.at.level - self.median).min(other.at.level - other.median);
        let line = other.at.level + spread;
        let (here, there) = (self.above(line), other.above(line));
        let (n, m) = (self.ascending.len(), other.ascending.len());
        if here as f64 <= TAIL_FRACTION * n as f64 {
            return false;
        }
        let law = Hypergeometric::new((n + m) as u64, (here + there) as u64, n as u64);
        law.is_ok_and(|law| law.sf(here as u64 - 1) <= level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;
    use crate::foundation::rng::{Purpose, SeedTree};

    fn shift(values: &[f64], step: &[u64]) -> Option<Shift> {
        super::shift(values, &step.into())
    }

    /// 40 steps of `rows` draws, changed by step and row.
    fn log(
        law: &str,
        rows: usize,
        index: u64,
        change: impl Fn(u64, usize, f64) -> f64,
    ) -> (Vec<f64>, Vec<u64>) {
        let law: DistributionSpec = law.parse().unwrap();
        let mut values = vec![0.0; 40 * rows];
        law.part().fill(&mut values, &mut SeedTree::new(8, index).stream(Purpose::Utility, 0));
        let step: Vec<u64> = (0..40).flat_map(|step| std::iter::repeat_n(step, rows)).collect();
        for (row, (x, step)) in values.iter_mut().zip(&step).enumerate() {
            *x = change(*step, row, *x);
        }
        (values, step)
    }

    fn moved((values, step): (Vec<f64>, Vec<u64>)) -> Option<Shift> {
        shift(&values, &step)
    }

    /// 40 logs of each law, size and change; at the level of .001 none is expected, and two have probability 1e-3.
    #[test]
    fn what_is_steady_or_drifts_slowly_is_no_shift() {
        for law in ["normal", "student_t:df=3", "student_t:df=1.5", "log_normal", "exponential"] {
            for rows in [16, 64] {
                type Change = fn(u64, usize, f64) -> f64;
                let changes: [(&str, Change); 4] = [
                    ("steady", |_, _, x| x),
                    ("ties", |_, _, x| (x * 5.0).round() / 5.0),
                    ("drift of one unit", |step, _, x| x + step as f64 / 39.0),
                    ("spread that grows by a half", |step, _, x| x * (1.0 + step as f64 / 78.0)),
                ];
                for (name, change) in changes {
                    let found =
                        (0..40).filter(|index| moved(log(law, rows, *index, change)).is_some()).count();
                    assert!(found <= 1, "{law} {rows} {name}: {found}");
                }
            }
        }
    }

    #[test]
    fn a_takeover_is_a_shift_from_the_window_in_which_a_twentieth_hacks() {
        for law in ["normal", "student_t:df=3", "log_normal"] {
            let found =
                moved(log(law, 64, 1, |step, row, x| if step >= 20 && row % 3 == 0 { x + 40.0 } else { x }));
            let Shift { before, after } = found.unwrap();
            assert!(
                before.first == 0 && before.last < 10 && after.level > 3.0 * before.level,
                "{law} {before:?} {after:?}"
            );
            assert!((14..=21).contains(&after.first), "{after:?}");
        }
        // Down again, and a policy that has come far.
        let fallen = moved(log("normal", 64, 2, |step, _, x| if step >= 20 { x - 9.0 } else { x })).unwrap();
        assert!(fallen.after.level < fallen.before.level);
        assert!(moved(log("normal", 64, 3, |step, _, x| x + step as f64 / 6.0)).is_some());
        // Six steps of 16 rollouts are too few to say it, forty are enough.
        let (values, step) = log("normal", 16, 4, |step, _, x| x + 9.0 * step as f64);
        assert!(shift(&values[..96], &step[..96]).is_none() && shift(&values, &step).is_some());
    }
}
