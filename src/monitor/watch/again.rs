//! Rollouts that a log holds again count once.

use super::rows::{Facts, Row, Seen};
use super::step::Watch;
use crate::record::{Again, Recurrence, run_of};
use std::collections::{HashMap, HashSet};

impl Watch {
    /// The rollouts of a step, all at once; those that were there before are not counted.
    pub fn see(&mut self, step: u64, rows: Vec<Row>, facts: &Facts) -> Seen {
        let first = self.recurrences.seen();
        let found = self.recognise(step, &rows, facts);
        let gone: HashSet<usize> = found.iter().flat_map(|found| found.rollouts().to_vec()).collect();
        let kept = (first..).zip(rows).filter(|(number, _)| !gone.contains(number)).map(|(_, row)| row);
        self.count(step, kept.collect(), facts)
    }

    /// Which rollouts of a step, and of those before it that wait, were there before.
    pub(super) fn recognise(&mut self, step: u64, rows: &[Row], facts: &Facts) -> Vec<Recurrence> {
        let mut runs: HashMap<usize, u64> = HashMap::new();
        let mut run = |file: usize| {
            *runs.entry(file).or_insert_with(|| facts.files.get(file).map_or(0, |path| run_of(path)))
        };
        let all: Vec<Again> = rows
            .iter()
            .map(|row| Again {
                file: u32::try_from(row.file).unwrap_or(u32::MAX),
                run: run(row.file),
                outcome: row.outcome,
                prompt: row.prompt,
                reward: row.reward,
            })
            .collect();
        let found = self.recurrences.see(step, &all, facts.prompts);
        self.duplicates += found.iter().map(|found| found.rollouts().len()).sum::<usize>();
        found
    }
}
