//! Rollouts that a log holds more than once: a trainer that takes several updates on one batch logs it at each of their steps,
//! and some write the same batch into two files of a step. They are found batch by batch (the rows of one step of one file).
//!
//! One repeated completion is the policy's; a batch that comes back as a whole is the log's, where sampling shows: completions
//! of one prompt differ, and most of the batch is found only once in it. A policy that no longer varies repeats batches
//! honestly, and so does an evaluation of one rollout a prompt: these are counted each time. A file that holds itself twice:
//! [`copies`](super::copies).

use super::copies::Copies;
use super::layout::Shared;
use super::repeat::{Repeat, Rollout};
use super::sketch::Seen;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// The share of the smaller of two batches that must be in the other.
const NEARLY_ALL: f64 = 0.9;
/// The share of the smaller of two batches from which on it is told that it is in the other.
const IN_PART: f64 = 0.2;
/// The share of what two batches share that must differ within it.
const VARIED: f64 = 0.75;
/// The share of them whose prompts must have different completions.
const VARYING: f64 = 0.25;
/// Rollouts that two batches must share to be one.
const FEWEST: usize = 4;
/// Rows of a batch beyond which it is no batch of a training step.
const LARGEST: usize = 1 << 20;
/// Identities of earlier batches that are kept where a log has several files.
const KEPT: usize = 1 << 22;

/// Batches while a log is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Repeats {
    shared: Option<Shared>,
    batch: Vec<Rollout>,
    previous: Option<Seen>,
    /// By step, where a log has several files; the oldest are let go.
    earlier: HashMap<u64, VecDeque<Seen>>,
    order: VecDeque<u64>,
    kept: usize,
    most: usize,
    copies: Copies,
    several_files: bool,
    by_text: bool,
    by_prompt: bool,
    /// Whether the step is a new one of a log that is seen step by step.
    ahead: bool,
    /// Batches that came back without showing that they were sampled once.
    pub unclear: usize,
    /// Rollouts that are those of the step before in batches that are new otherwise, and how many batches hold some.
    #[serde(default)]
    pub kept_on: (usize, usize),
}

impl Repeats {
    /// `by_prompt`: rollouts name their prompt.
    pub fn new(several_files: bool, by_prompt: bool) -> Self {
        Self {
            shared: None,
            batch: Vec::new(),
            previous: None,
            earlier: HashMap::new(),
            order: VecDeque::new(),
            kept: 0,
            most: KEPT,
            copies: Copies::default(),
            several_files,
            by_text: false,
            by_prompt,
            ahead: false,
            unclear: 0,
            kept_on: (0, 0),
        }
    }

    /// The same, of a log that is watched: with so many identities of earlier batches at most.
    pub fn keeping(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// What holds for the next step of a log that is seen step by step: whether rollouts name their prompt, and whether it is a new one.
    pub fn next_step(&mut self, by_prompt: bool, ahead: bool) {
        (self.by_prompt, self.ahead) = (by_prompt, ahead);
    }

    /// The stretches that were seen, of a file that may hold itself twice.
    pub fn copies(&mut self) -> &mut Copies {
        &mut self.copies
    }

    /// The next row; returns what batches before it repeat, if they are complete. `by_text`: its identity is that of its
    /// completion, and not of a name that may come again at another step.
    pub fn see(
        &mut self,
        shared: Shared,
        row: usize,
        identity: u64,
        prompt: u64,
        by_text: bool,
    ) -> Vec<Repeat> {
        let found = if self.shared == Some(shared) { Vec::new() } else { self.end() };
        self.shared = Some(shared);
        self.by_text = by_text;
        if self.batch.len() <= LARGEST {
            self.batch.push(Rollout { identity, prompt, row });
        }
        found
    }

    /// Ends the batch; returns what it repeats, and what others repeat that it proves.
    pub fn end(&mut self) -> Vec<Repeat> {
        let Some(shared) = self.shared.take() else { return Vec::new() };
        let batch = std::mem::take(&mut self.batch);
        if batch.len() > LARGEST {
            self.previous = None;
            return Vec::new();
        }
        let mut found = None;
        if let Some(seen) = &self.previous
            && self.by_text
            && seen.shared.step != shared.step
            && seen.shared.run == shared.run
        {
            match self.compare(&batch, seen) {
                Answer::Repeat(rows) => found = Some((seen.shared, rows)),
                Answer::Unclear => self.unclear += 1,
                Answer::InPart(rollouts) => {
                    self.kept_on = (self.kept_on.0 + rollouts, self.kept_on.1 + 1);
                }
                Answer::No => {}
            }
        }
        if found.is_none() {
            let others = self.earlier.get(&shared.step).into_iter().flatten();
            let other = |seen: &&Seen| seen.shared.file != shared.file && seen.shared.run == shared.run;
            found = others.filter(other).find_map(|seen| match self.compare(&batch, seen) {
                Answer::Repeat(rows) => Some((seen.shared, rows)),
                _ => None,
            });
        }
        let seen = || {
            let identities: Vec<u64> = batch.iter().map(|rollout| rollout.identity).collect();
            Seen::from((shared, identities))
        };
        if self.several_files && batch.len() >= FEWEST {
            self.keep(seen());
        }
        self.previous = Some(seen());
        let found = match found {
            Some((of, rows)) => vec![Repeat { of, at: shared, batch: batch.len(), rows, texts: true }],
            None if self.by_text && self.by_prompt => self.copies.see(shared, &batch, self.ahead),
            None => Vec::new(),
        };
        self.batch = batch;
        self.batch.clear();
        found
    }

    /// Keeps a batch, in the place of the oldest.
    fn keep(&mut self, seen: Seen) {
        self.kept += seen.identities.len();
        self.order.push_back(seen.shared.step);
        self.earlier.entry(seen.shared.step).or_default().push_back(seen);
        while self.kept > self.most
            && let Some(step) = self.order.pop_front()
        {
            let Some(of_step) = self.earlier.get_mut(&step) else { continue };
            self.kept -= of_step.pop_front().map_or(0, |oldest| oldest.identities.len());
            if of_step.is_empty() {
                self.earlier.remove(&step);
            }
        }
    }

    /// Whether a batch is another one again: what they share must show that sampling varies.
    fn compare(&self, batch: &[Rollout], seen: &Seen) -> Answer {
        if !seen.may_share(batch) {
            return Answer::No;
        }
        let (mut batch, mut others) = (batch.to_vec(), seen.identities.clone());
        batch.sort_unstable();
        others.sort_unstable();
        let mut others = others.into_iter().peekable();
        let mut same: Vec<Rollout> = Vec::new();
        for rollout in &batch {
            while others.next_if(|other| *other < rollout.identity).is_some() {}
            if others.next_if_eq(&rollout.identity).is_some() {
                same.push(*rollout);
            }
        }
        let least = batch.len().min(seen.identities.len());
        let whole = same.len() == batch.len() && same.len() == seen.identities.len();
        let distinct = same.chunk_by(|a, b| a.identity == b.identity).count();
        let varied = distinct as f64 >= VARIED * same.len() as f64;
        let enough = same.len() >= FEWEST;
        if (same.len() as f64) < NEARLY_ALL * least as f64 {
            let told = enough && varied && same.len() as f64 >= IN_PART * least as f64 && prompts_vary(&same);
            return if told { Answer::InPart(same.len()) } else { Answer::No };
        }
        if !(enough && varied && prompts_vary(&same)) {
            return if enough && whole { Answer::Unclear } else { Answer::No };
        }
        let mut rows: Vec<usize> = same.iter().map(|rollout| rollout.row).collect();
        rows.sort_unstable();
        Answer::Repeat(rows)
    }
}

enum Answer {
    Repeat(Vec<usize>),
    /// The same, but a policy that does not vary would look so too.
    Unclear,
    /// So many rollouts of a batch that is another one.
    InPart(usize),
    No,
}

/// Whether prompts with two different completions or more hold a share of the rollouts: one such prompt shows little of the others.
fn prompts_vary(same: &[Rollout]) -> bool {
    let mut prompts: HashMap<u64, (u64, usize, bool)> = HashMap::new();
    for rollout in same {
        let (first, rollouts, varies) = prompts.entry(rollout.prompt).or_insert((rollout.identity, 0, false));
        *rollouts += 1;
        *varies |= *first != rollout.identity;
    }
    let varying: usize =
        prompts.values().filter(|(_, _, varies)| *varies).map(|(_, rollouts, _)| rollouts).sum();
    varying as f64 >= VARYING * same.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(file: u32, step: u64) -> Shared {
        Shared { step, run: 0, file }
    }

    /// Batches of (prompt, identity), one after the other; which rows of which step were there before.
    fn repeats(
        several_files: bool,
        batches: &[(Shared, Vec<(u64, u64)>)],
    ) -> (Vec<(u64, Vec<usize>)>, usize) {
        let (mut repeats, mut row, mut found) = (Repeats::new(several_files, true), 0, Vec::new());
        for (shared, batch) in batches {
            for (prompt, identity) in batch {
                found.extend(repeats.see(*shared, row, *identity, *prompt, true));
                row += 1;
            }
        }
        found.extend(repeats.end());
        (found.into_iter().map(|repeat| (repeat.at.step, repeat.rows)).collect(), repeats.unclear)
    }

    /// Eight rollouts of two prompts; those from `new` on are new at this step.
    fn batch(step: u64, new: usize) -> Vec<(u64, u64)> {
        (0..8).map(|i| (i / 4, if i < new as u64 { i } else { 100 * step + i })).collect()
    }

    #[test]
    fn a_batch_that_comes_back_is_counted_once() {
        let log = [(shared(0, 1), batch(1, 8)), (shared(0, 2), batch(2, 8)), (shared(0, 3), batch(3, 0))];
        assert_eq!(repeats(false, &log), (vec![(2, (8..16).collect())], 0));
        let nearly = [
            (shared(0, 1), (0..30).map(|i| (i / 5, i)).collect()),
            (shared(0, 2), (1..31).map(|i| (i / 5, i)).collect()),
        ];
        assert_eq!(repeats(false, &nearly).0, [(2, (30..59).collect::<Vec<_>>())], "29 of 30");
        let chain: Vec<_> = (1..=4).map(|step| (shared(0, step), batch(step, 8))).collect();
        assert_eq!(repeats(false, &chain).0.len(), 3, "several updates on one batch");
    }

    #[test]
    fn what_a_policy_repeats_is_counted_each_time() {
        let half = [(shared(0, 1), batch(1, 8)), (shared(0, 2), batch(2, 4))];
        assert_eq!(repeats(false, &half), (vec![], 0), "half of a batch");
        let most = [(shared(0, 1), batch(1, 8)), (shared(0, 2), batch(2, 6))];
        assert_eq!(repeats(false, &most), (vec![], 0), "three quarters of one");
        let collapsed: Vec<(u64, u64)> = (0..64).map(|i| (i / 8, i / 8)).collect();
        let log = [(shared(0, 1), collapsed.clone()), (shared(0, 2), collapsed)];
        assert_eq!(repeats(false, &log), (vec![], 1), "one completion a prompt");
        let evaluation: Vec<(u64, u64)> = (0..20).map(|i| (i, i)).collect();
        let log: Vec<_> = (0..5).map(|step| (shared(0, step), evaluation.clone())).collect();
        assert_eq!(repeats(false, &log), (vec![], 4), "one rollout a prompt, without sampling");
        let apart = [(shared(0, 1), batch(1, 8)), (shared(0, 2), batch(2, 0)), (shared(0, 3), batch(3, 8))];
        assert_eq!(repeats(false, &apart), (vec![], 0), "not the step before");
    }

    #[test]
    fn one_prompt_that_varies_does_not_speak_for_the_others_and_another_run_is_no_copy() {
        // 63 prompts of one short answer each, and one prompt of two.
        let short: Vec<(u64, u64)> = (0..64).map(|i| (i.min(62), i)).collect();
        let log = [(shared(0, 1), short.clone()), (shared(0, 2), short.clone()), (shared(0, 3), short)];
        assert_eq!(repeats(false, &log).0, []);
        // A log whose batches came back once, and whose policy collapses later.
        let collapsed: Vec<(u64, u64)> = (0..8).map(|i| (i / 4, 900 + i / 4)).collect();
        let log = [
            (shared(0, 1), batch(1, 8)),
            (shared(0, 2), batch(1, 8)),
            (shared(0, 3), collapsed.clone()),
            (shared(0, 4), collapsed),
        ];
        assert_eq!(repeats(false, &log).0.len(), 1, "the first alone");
        let other_run = Shared { step: 1, run: 7, file: 1 };
        assert_eq!(repeats(true, &[(shared(0, 1), batch(1, 8)), (other_run, batch(1, 8))]).0, []);
    }

    #[test]
    fn a_step_in_two_files_is_counted_once_in_either_order() {
        let (all, some): (Vec<_>, Vec<_>) =
            ((0..12).map(|i| (i / 4, i)).collect(), (0..8).map(|i| (i / 4, i)).collect());
        let log = [(shared(0, 1), all.clone()), (shared(1, 1), some.clone())];
        assert_eq!(repeats(true, &log).0, [(1, (12..20).collect::<Vec<_>>())]);
        let log = [(shared(0, 1), some), (shared(1, 1), all)];
        assert_eq!(repeats(true, &log).0, [(1, (8..16).collect::<Vec<_>>())], "what is new is kept");
        let folders = [
            (shared(0, 1), batch(1, 0)),
            (shared(1, 2), batch(2, 0)),
            (shared(2, 1), batch(1, 0)),
            (shared(3, 2), batch(2, 0)),
        ];
        assert_eq!(repeats(true, &folders).0.len(), 2, "all steps of one folder, then those of the other");
    }
}
