//! Rows that are means over training steps: one a step, and nothing in them that belongs to a single rollout.

use super::cell::{Column, Kind};
use super::names::{
    EPOCH, PART, PERHAPS_STEP, PROXY, SERIES, SERIES_VALUE, STEP, pick, pick_number, sign_of_rollouts,
};
use super::present::Present;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The counter and the column of which each value has a row of its own, if the rows of a file can be step means: there is a counter, and
/// nothing that belongs to a single rollout (prompt, completion, group, outcome, episode, a length in whole numbers).
pub(super) fn may_be_means(present: &Present, step: Option<&str>) -> Option<(String, Option<String>)> {
    if sign_of_rollouts(&present.columns).is_some() && !present.means {
        return None;
    }
    let columns = &present.columns;
    let counter = step.map(str::to_owned);
    let counter = counter.or_else(|| pick(columns, STEP, true));
    let counter = counter.or_else(|| pick_number(columns, PERHAPS_STEP));
    let counter = counter.or_else(|| pick(columns, EPOCH, true))?;
    Some((counter, series(columns).or_else(|| pick(columns, PART, false))))
}

/// The column that names the metric of a row, in a table of one value a row.
pub(super) fn series(columns: &[Column]) -> Option<String> {
    let words: Vec<Column> = columns.iter().filter(|c| c.kind == Kind::Other).cloned().collect();
    let value = pick_number(columns, SERIES_VALUE).is_some() && pick(columns, PROXY, false).is_none();
    pick(&words, SERIES, false).filter(|_| value)
}

/// Rows, one a step, of a log that grows from which on they are taken for means: fewer may be the first of more.
pub(super) const MANY_STEPS: usize = 20;

/// Ascending stretches of fewer rows than this are no runs that follow each other.
const SHORTEST_RUN: usize = 3;

/// Runs, or values of which each has a row of its own, whose rows are followed.
const MOST: usize = 1 << 16;

/// Decides whether rows are step means: at least two, one a step, in steps that ascend, or descend all along. They may begin anew where a
/// run does, named or not.
#[derive(Debug, Default)]
pub(super) struct StepMeans {
    /// The last step of each run.
    last: HashMap<u64, f64>,
    rows: usize,
    rises: usize,
    falls: usize,
    broken: bool,
}

impl StepMeans {
    /// The next row with a value.
    pub fn see(&mut self, run: u64, step: f64) {
        self.rows += 1;
        if self.broken {
            return;
        }
        let room = self.last.len() < MOST;
        match self.last.entry(run) {
            Entry::Occupied(mut last) => {
                let last = last.insert(step);
                self.broken |= step == last;
                self.falls += usize::from(step < last);
                self.rises += usize::from(step > last);
            }
            Entry::Vacant(first) if room => {
                first.insert(step);
            }
            Entry::Vacant(_) => {}
        }
    }

    /// Whether no row was seen.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether the rows seen are means.
    pub fn holds(&self) -> bool {
        // What falls where steps ascend, or rises where they descend, begins another run.
        let runs = self.falls.min(self.rises) + 1;
        !self.broken && self.rows >= 2 && (runs == 1 || runs * SHORTEST_RUN <= self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::read::cell::Counts;
    use crate::record::read::part::Extent;
    use crate::record::read::unfold::Unfold;

    fn present(names: &[&str]) -> Present {
        let column = |n: &&str| Column {
            name: (*n).to_owned(),
            kind: Kind::Number,
            whole: true,
            counts: Counts::Otherwise,
        };
        let columns = names.iter().map(column).collect();
        Present { columns, unfold: Unfold::One, means: false, extent: Extent::whole(0), decimal_comma: false }
    }

    #[test]
    fn a_table_of_one_value_a_row_names_its_metric() {
        let mut table = present(&["tag", "step", "value"]);
        assert_eq!(series(&table.columns), None, "numbers name nothing");
        table.columns[0].kind = Kind::Other;
        assert_eq!(may_be_means(&table, None), Some(("step".to_owned(), Some("tag".to_owned()))));
        table.columns[2].name = "reward".to_owned();
        assert_eq!(series(&table.columns), None);
    }

    #[test]
    fn step_means_have_one_row_a_step_and_no_rollout_column() {
        assert!(may_be_means(&present(&["step", "reward/g"]), None).is_some());
        assert!(may_be_means(&present(&["epoch", "reward"]), None).is_some());
        assert!(may_be_means(&present(&["step", "reward", "prompt"]), None).is_none());
        assert!(may_be_means(&present(&["reward"]), None).is_none());
        assert!(may_be_means(&present(&["x", "reward"]), Some("x")).is_some());
        let parts = may_be_means(&present(&["step", "rank", "reward"]), None);
        assert_eq!(parts, Some(("step".to_owned(), Some("rank".to_owned()))));
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
        let ranks = |twice: u64| -> Vec<(u64, u64)> { (0..64).map(|i| (i % 4, i / 4 / twice)).collect() };
        assert!(holds(&ranks(1)) && !holds(&ranks(2)), "one row for each, or several");
        let newest_first: Vec<(u64, u64)> = (0..20).map(|i| (0, 20 - i)).collect();
        assert!(holds(&newest_first));
        let appended: Vec<(u64, u64)> = (0..20).map(|i| (0, i % 10)).collect();
        assert!(holds(&appended), "two runs in one file");
        let scattered: Vec<(u64, u64)> = (0..200).map(|i| (0, i * 7919 % 50)).collect();
        assert!(!holds(&scattered), "rollouts in no order");
    }
}
