//! Rollouts that one file holds twice: a log that was appended to itself comes again in its order, step by step.
//!
//! A stretch (the rows of one step that follow each other) is a copy where an earlier one of the same step holds the same
//! rollouts in the same order, and enough of them show that sampling varies. A policy that no longer varies repeats itself
//! honestly.

use super::cell::{pair_hash, words_hash};
use super::layout::Shared;
use super::repeat::{Repeat, Rollout};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// Different rollouts that must come again in their order.
const ENOUGH: usize = 32;
/// The share of them whose prompts must have different ones.
const VARYING: f64 = 0.25;
/// Rollouts that wait for a proof, and of a stretch that are looked at for one.
const WAITING: usize = 1 << 16;
const LOOKED_AT: usize = 1 << 12;
/// Stretches that are remembered.
const REMEMBERED: usize = 1 << 20;
/// Places at which a stretch is looked at for its own beginning.
const TRIES: usize = 16;

/// Stretches of rows that were seen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Copies {
    /// The number of each stretch, by what it holds in its order.
    #[serde(skip)]
    seen: HashMap<u64, usize>,
    /// What each stretch holds, and whether one before it held the same.
    stretches: Vec<(u64, bool)>,
    /// The stretches that come again at present, one after the other.
    chain: Chain,
}

/// Stretches that follow each other as earlier ones did.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Chain {
    /// The number of the stretch that would go on with it.
    next: Option<usize>,
    /// Copies that wait for others to prove them.
    waiting: Vec<Repeat>,
    rows: usize,
    proof: Proof,
}

/// Whether rollouts are enough, and varied, to be known again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Proof {
    different: HashSet<u64>,
    /// The first of each prompt, how many there are, and whether they differ.
    prompts: HashMap<u64, (u64, usize, bool)>,
    rollouts: usize,
    /// Rollouts of prompts that have different ones.
    varying: usize,
}

impl Proof {
    fn see(&mut self, rollouts: &[Rollout]) -> bool {
        for rollout in rollouts.iter().take(LOOKED_AT) {
            if self.holds() {
                break;
            }
            if self.different.len() < ENOUGH {
                self.different.insert(rollout.identity);
            }
            self.rollouts += 1;
            let of_prompt = self.prompts.entry(rollout.prompt).or_insert((rollout.identity, 0, false));
            of_prompt.1 += 1;
            if of_prompt.2 {
                self.varying += 1;
            } else if of_prompt.0 != rollout.identity {
                of_prompt.2 = true;
                self.varying += of_prompt.1;
            }
        }
        self.holds()
    }

    fn holds(&self) -> bool {
        self.different.len() >= ENOUGH && self.varying as f64 >= VARYING * self.rollouts as f64
    }
}

impl Copies {
    /// Whether stretches wait for others to prove that they are copies.
    pub fn wait(&self) -> bool {
        !self.chain.waiting.is_empty()
    }

    /// What waits is no copy.
    pub fn give_up(&mut self) {
        self.chain = Chain::default();
    }

    /// The next stretch; returns those that are copies, this one and some before it. `ahead`: its step is a new one of a log that is seen
    /// step by step, where such a step may come between two that are copies.
    pub fn see(&mut self, shared: Shared, rollouts: &[Rollout], ahead: bool) -> Vec<Repeat> {
        let all = rollouts.len();
        let repeat = |rollouts: &[Rollout]| Repeat {
            of: shared,
            at: shared,
            batch: all,
            rows: rollouts.iter().map(|rollout| rollout.row).collect(),
            texts: true,
        };
        // Of a stretch that begins again only the first part may go on with a copy.
        let (own, again) = rollouts.split_at(period(rollouts).unwrap_or(all));
        let mut found = self.in_order(shared, own, repeat(own), ahead);
        if !again.is_empty() {
            found.push(repeat(again));
        }
        found
    }

    fn in_order(
        &mut self,
        Shared { step, run, file }: Shared,
        own: &[Rollout],
        whole: Repeat,
        ahead: bool,
    ) -> Vec<Repeat> {
        let of = words_hash([run, step, u64::from(file), own.len() as u64]);
        let content = own.iter().fold(of, |hash, rollout| pair_hash([hash, rollout.identity]));
        if self.seen.is_empty() {
            // They were kept without their index.
            let numbered = self.stretches.iter().enumerate().rev();
            self.seen = numbered.map(|(number, (content, _))| (*content, number)).collect();
        }
        let goes_on = self.next(content);
        let known = goes_on.or_else(|| self.seen.get(&content).copied());
        if self.stretches.len() < REMEMBERED {
            self.seen.entry(content).or_insert(self.stretches.len());
            self.stretches.push((content, known.is_some()));
        }
        if known.is_none() && ahead {
            return Vec::new();
        }
        if goes_on.is_none() {
            self.chain = Chain::default();
        }
        let Some(first) = known else { return Vec::new() };
        self.chain.next = Some(first + 1);
        self.chain.rows += own.len();
        self.chain.waiting.push(whole);
        if self.chain.proof.see(own) {
            return std::mem::take(&mut self.chain.waiting);
        }
        if self.chain.rows > WAITING {
            // So many without a proof are no copy that could be told from a policy that repeats itself.
            self.chain = Chain::default();
        }
        Vec::new()
    }
}

impl Copies {
    /// The number of the stretch that goes on with the chain, if it holds this. Where steps are seen as they come, copies may stand
    /// between two that followed each other.
    fn next(&self, content: u64) -> Option<usize> {
        let mut at = self.chain.next?;
        loop {
            match self.stretches.get(at)? {
                (own, _) if *own == content => return Some(at),
                (_, true) => at += 1,
                (_, false) => return None,
            }
        }
    }
}

/// Rollouts after which a stretch begins again, up to its end.
fn period(rollouts: &[Rollout]) -> Option<usize> {
    let first = rollouts.first()?.identity;
    let (all, same) = (rollouts.len(), |(a, b): (&Rollout, &Rollout)| a.identity == b.identity);
    (ENOUGH..=all / 2)
        .filter(|at| all.is_multiple_of(*at))
        .filter(|at| rollouts.get(*at).is_some_and(|rollout| rollout.identity == first))
        .take(TRIES)
        .find(|at| rollouts.iter().zip(rollouts.iter().skip(*at)).all(same))
        .filter(|at| Proof::default().see(rollouts.get(..*at).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stretches of (step, prompt and identity of each rollout); the rows that are copies.
    fn copies(log: &[(u64, Vec<(u64, u64)>)]) -> Vec<usize> {
        let (mut copies, mut row, mut found) = (Copies::default(), 0, Vec::new());
        for (step, rollouts) in log {
            let rollouts: Vec<Rollout> = (rollouts.iter().zip(row..))
                .map(|((prompt, identity), row)| Rollout { identity: *identity, prompt: *prompt, row })
                .collect();
            row += rollouts.len();
            found.extend(copies.see(Shared { step: *step, run: 0, file: 0 }, &rollouts, false));
        }
        found.into_iter().flat_map(|repeat| repeat.rows).collect()
    }

    /// Eight rollouts of two prompts in each of `steps` steps.
    fn log(steps: u64) -> Vec<(u64, Vec<(u64, u64)>)> {
        (0..steps).map(|step| (step, (0..8).map(|i| (i / 4, 100 * step + i)).collect())).collect()
    }

    #[test]
    fn a_log_that_was_appended_to_itself_is_counted_once() {
        assert_eq!(copies(&[log(6), log(6)].concat()), (48..96).collect::<Vec<_>>());
        assert_eq!(copies(&[log(6), log(6), log(6)].concat()), (48..144).collect::<Vec<_>>());
        assert_eq!(copies(&[log(9), log(6)].concat()), (72..120).collect::<Vec<_>>(), "its beginning");
        assert_eq!(copies(&log(9)), [0; 0]);
        let one: Vec<(u64, u64)> = (0..40).map(|i| (i / 4, i)).collect();
        assert_eq!(copies(&[(0, [one.clone(), one.clone()].concat())]), (40..80).collect::<Vec<_>>());
        let thrice = [one.clone(), one.clone(), one].concat();
        assert_eq!(copies(&[(0, thrice)]), (40..120).collect::<Vec<_>>());
        // A prompt that has collapsed at the beginning, and a stretch that comes again within the log itself.
        let same = |i: u64| (i / 64, if i < 64 { 0 } else { i });
        let late: Vec<(u64, u64)> = (0..1024).map(|i| same(i % 512)).collect();
        assert_eq!(copies(&[(0, late)]), (512..1024).collect::<Vec<_>>());
        let honest = [log(3), log(1), log(9)[3..].to_vec()].concat();
        assert_eq!(copies(&honest), [0; 0]);
        assert_eq!(copies(&[honest.clone(), honest].concat()).len(), 80);
        let halves = |step: u64| {
            let own: Vec<(u64, u64)> = (0..40).map(|i| (i / 4, 100 * step + i)).collect();
            (step, [own.clone(), own].concat())
        };
        assert_eq!(copies(&[halves(0), halves(1), halves(0), halves(1)]).len(), 4 * 40 + 2 * 40);
    }

    #[test]
    fn what_may_come_again_honestly_is_counted_each_time() {
        assert_eq!(copies(&[log(3), log(3)].concat()), [0; 0], "24 rollouts are few");
        let mut other = log(6);
        other[2].1.swap(0, 1);
        assert_eq!(copies(&[log(6), other].concat()), [0; 0], "neither part is long enough");
        let greedy = || (0..9u64).map(|step| (step, (0..8).map(|i| (i, i)).collect::<Vec<_>>()));
        assert_eq!(copies(&greedy().chain(greedy()).collect::<Vec<_>>()), [0; 0], "nothing is sampled");
        let rounds: Vec<(u64, u64)> = (0..256).map(|i| (i % 64, i % 64)).collect();
        assert_eq!(copies(&[(0, rounds)]), [0; 0], "a policy that has collapsed, prompt by prompt");
    }
}
