//! Rollouts of a log that is seen step by step which were there before: by the rules of [`repeats`](super::repeats).

use super::cell::pair_hash;
use super::layout::Shared;
use super::repeat::Repeat;
use super::repeats::Repeats;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Identities of earlier batches that are kept: 2 MiB, and 5 in a state file.
const KEPT: usize = 1 << 18;

/// A rollout, by what it is known again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Again {
    /// The number of its file, and its run ([`run_of`](super::run_of)).
    pub file: u32,
    /// Rollouts of two runs are never the same.
    pub run: u64,
    /// What was sampled: equal for equal completions of the same prompt.
    pub outcome: u64,
    /// Its prompt.
    pub prompt: u64,
    /// Its reward.
    pub reward: f64,
}

/// Rollouts that were there before.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrence(Repeat);

/// What was seen of a log, to know it again. It serialises.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recurrences {
    repeats: Repeats,
    seen: usize,
    newest: Option<u64>,
}

impl Recurrence {
    /// Their numbers: rollouts count from 0 as they are seen.
    pub fn rollouts(&self) -> &[usize] {
        &self.0.rows
    }

    /// In words.
    pub fn said(&self, files: &[PathBuf]) -> String {
        self.0.said(files, "")
    }
}

impl Recurrences {
    /// `several_files`: a step may be in more than one file.
    pub fn new(several_files: bool) -> Self {
        Self { repeats: Repeats::new(several_files, false).keeping(KEPT), seen: 0, newest: None }
    }

    /// Rollouts seen so far.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// The rollouts of a step, those of a file in their order; those of them and of earlier steps that turn out to have been there
    /// before. `prompts`: whether rollouts name their prompt.
    pub fn see(&mut self, step: u64, rollouts: &[Again], prompts: bool) -> Vec<Recurrence> {
        self.repeats.next_step(prompts, self.newest.is_none_or(|newest| step > newest));
        self.newest = self.newest.max(Some(step));
        let mut order: Vec<(usize, &Again)> = rollouts.iter().enumerate().collect();
        order.sort_by_key(|(_, rollout)| rollout.file);
        let mut found = Vec::new();
        for (at, rollout) in order {
            let shared = Shared { step, run: rollout.run, file: rollout.file };
            let identity = pair_hash([rollout.outcome, rollout.reward.to_bits()]);
            found.extend(self.repeats.see(shared, self.seen + at, identity, rollout.prompt, true));
        }
        self.seen += rollouts.len();
        found.extend(self.repeats.end());
        found.into_iter().map(Recurrence).collect()
    }

    /// Whether the rollouts that were seen last may turn out to have been there before.
    pub fn wait(&mut self) -> bool {
        self.repeats.copies().wait()
    }

    /// What waits was not there before.
    pub fn give_up(&mut self) {
        self.repeats.copies().give_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixteen rollouts of four prompts of a step.
    fn step(step: u64, file: u32) -> Vec<Again> {
        (0..16)
            .map(|i| Again { file, run: 0, outcome: 100 * step + i, prompt: i / 4, reward: i as f64 })
            .collect()
    }

    fn numbers(found: &[Recurrence]) -> Vec<usize> {
        found.iter().flat_map(|found| found.rollouts().to_vec()).collect()
    }

    /// What was kept and read again.
    fn kept(recurrences: &Recurrences) -> Recurrences {
        serde_json::from_str(&serde_json::to_string(recurrences).unwrap()).unwrap()
    }

    #[test]
    fn a_stretch_of_a_file_that_comes_again_waits_until_that_is_shown() {
        let mut all = Recurrences::new(true);
        for at in 0..6 {
            assert!(all.see(at, &step(at, 0), true).is_empty() && !all.wait());
        }
        let mut all = kept(&all);
        assert!(all.see(0, &step(0, 0), true).is_empty() && all.wait(), "sixteen are few");
        assert!(all.see(6, &step(6, 0), true).is_empty() && all.wait(), "a new step between");
        let mut all = kept(&all);
        let found = all.see(1, &step(1, 0), true);
        let expected = (96..112).chain(128..144).collect();
        assert_eq!((numbers(&found), all.wait()), (expected, false));
        assert_eq!(
            found[0].said(&["a.csv".into()]),
            "16 of 16 rollouts of step 0 in a.csv are those of the same step before them (same prompt, completion and reward): \
             counted once"
        );
        assert_eq!(numbers(&all.see(2, &step(2, 0), true)), (144..160).collect::<Vec<_>>());
        assert!(all.see(5, &step(5, 0), true).is_empty() && all.wait(), "another order");
        all.give_up();
        assert!(!all.wait());
    }

    #[test]
    fn a_step_of_another_file_is_known_later_and_the_oldest_are_let_go() {
        let mut all = Recurrences { repeats: Repeats::new(true, false).keeping(64), seen: 0, newest: None };
        for at in 0..6 {
            assert!(all.see(at, &step(at, 0), true).is_empty());
        }
        let mut all = kept(&all);
        assert_eq!(numbers(&all.see(4, &step(4, 1), true)), (96..112).collect::<Vec<_>>());
        assert!(all.see(0, &step(0, 1), true).is_empty(), "four steps are kept");
        let both = [step(9, 1), step(9, 0)].concat();
        assert_eq!(
            numbers(&all.see(9, &both, true)),
            (128..144).collect::<Vec<_>>(),
            "by file, whatever their order"
        );
    }
}
