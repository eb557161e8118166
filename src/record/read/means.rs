//! Rows that are means over training steps: one a step, and nothing in them that belongs to a single rollout.

use super::names::{EPOCH, RUN, STEP, pick, sign_of_rollouts};
use super::present::Present;

/// The counter and the run's column, if the rows of a file can be step means: there is a counter, and nothing that belongs to
/// a single rollout (prompt, completion, group, outcome, episode, a length in whole numbers).
pub(super) fn may_be_means(present: &Present, step: Option<&str>) -> Option<(String, Option<String>)> {
    if sign_of_rollouts(&present.columns).is_some() && !present.means {
        return None;
    }
    let counter = step.map(str::to_owned);
    let counter = counter.or_else(|| pick(&present.columns, STEP, true));
    let counter = counter.or_else(|| pick(&present.columns, EPOCH, true))?;
    Some((counter, pick(&present.columns, RUN, false)))
}

/// Rows, one a step, of a log that grows from which on they are taken for means: fewer may be the first of more.
pub(super) const MANY_STEPS: usize = 20;

/// Ascending stretches of fewer rows than this are no runs that follow each other.
const SHORTEST_RUN: usize = 3;

/// Decides whether rows are step means: at least two, one a step, in steps that ascend. They may begin anew where a run does,
/// named or not.
#[derive(Debug, Default)]
pub(super) struct StepMeans {
    last: Option<(u64, f64)>,
    rows: usize,
    restarts: usize,
    broken: bool,
}

impl StepMeans {
    /// The next row with a value.
    pub fn see(&mut self, run: u64, step: f64) {
        if let Some((last_run, last_step)) = self.last {
            self.broken |= run == last_run && step == last_step;
            self.restarts += usize::from(run == last_run && step < last_step);
        }
        self.last = Some((run, step));
        self.rows += 1;
    }

    /// Whether no row was seen.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether the rows seen are means.
    pub fn holds(&self) -> bool {
        let runs = self.restarts + 1;
        !self.broken && self.rows >= 2 && (runs == 1 || runs * SHORTEST_RUN <= self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::read::cell::{Column, Kind};
    use crate::record::read::part::Extent;
    use crate::record::read::unfold::Unfold;

    fn present(names: &[&str]) -> Present {
        let column = |n: &&str| Column { name: (*n).to_owned(), kind: Kind::Number, whole: true };
        let columns = names.iter().map(column).collect();
        Present { columns, unfold: Unfold::One, means: false, extent: Extent::whole(0), decimal_comma: false }
    }

    #[test]
    fn step_means_have_one_row_a_step_and_no_rollout_column() {
        assert!(may_be_means(&present(&["step", "reward/g"]), None).is_some());
        assert!(may_be_means(&present(&["epoch", "reward"]), None).is_some());
        assert!(may_be_means(&present(&["step", "reward", "prompt"]), None).is_none());
        assert!(may_be_means(&present(&["reward"]), None).is_none());
        assert!(may_be_means(&present(&["x", "reward"]), Some("x")).is_some());
        let trainer = Present { means: true, ..present(&["step", "reward", "completion_length"]) };
        assert!(may_be_means(&trainer, None).is_some(), "the format says so");
        let holds = |rows: &[(u64, u64)]| {
            let mut means = StepMeans::default();
            rows.iter().for_each(|(run, step)| means.see(*run, *step as f64));
            means.holds()
        };
        assert!(holds(&[(1, 0), (1, 5), (2, 0), (2, 5)]));
        assert!(!holds(&[(1, 0), (1, 0), (1, 1)]));
        assert!(!holds(&[(1, 3)]));
        let appended: Vec<(u64, u64)> = (0..20).map(|i| (0, i % 10)).collect();
        assert!(holds(&appended), "two runs in one file");
        let scattered: Vec<(u64, u64)> = (0..200).map(|i| (0, i * 7919 % 50)).collect();
        assert!(!holds(&scattered), "rollouts in no order");
    }
}
