//! Which texts of a growing log are kept: those of the entries, and of some others of their steps to compare them with.

use crate::foundation::rng::{Purpose, SeedTree, Stream};
use crate::monitor::reading::{Entry, RowText, Sample, Scored};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Others of a step that texts of entries are compared with.
const OTHERS: usize = 8;
/// Entries whose texts are compared, the highest first; from so many on none are compared any more.
const COMPARED: usize = 60;
const MOST_COMPARED: usize = 200;
/// Steps of which one rewarded rollout and some others are kept, where rewards are paid or not.
const PAID_STEPS: usize = 80;
const UNPAID: usize = 4;
/// Characters of a completion that are kept, at its start and at its end.
const START: usize = 750;
const END: usize = 750;

/// A rollout whose text is compared.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Compared {
    number: u64,
    step: u64,
    /// Its score, of an entry.
    listed: Option<f64>,
}

/// Texts that are kept, and why.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Keep {
    texts: BTreeMap<u64, RowText>,
    compared: Vec<Compared>,
    entries: usize,
    /// Rewarded rollouts and others of some steps.
    paid: Vec<(u64, Vec<(u64, bool)>)>,
    /// One in so many steps is kept for them.
    stride: u64,
    steps: u64,
}

fn stream(step: u64) -> Stream {
    SeedTree::new(0, 0).stream(Purpose::Audit, (1 << 48) + step)
}

/// A text as it is kept.
pub(super) fn short(text: RowText) -> RowText {
    text.cut(START, END)
}

impl Keep {
    /// Rollouts of a step of the reference that may be entries when it ends, and others.
    pub fn of_reference(&mut self, scored: &[Scored], most: f64) -> Vec<(u64, usize)> {
        let Some(step) = scored.first().map(|rollout| rollout.step) else { return Vec::new() };
        let mut order: Vec<usize> = (0..scored.len()).collect();
        let score = |i: &usize| scored.get(*i).map_or(f64::NEG_INFINITY, Scored::score);
        order.sort_by(|a, b| score(b).total_cmp(&score(a)));
        let others = order.split_off(order.len().min(most.clamp(1.0, 64.0).ceil() as usize));
        let others = stream(step).draw(others, OTHERS);
        let number = |i: &usize| scored.get(*i).map(|rollout| rollout.row);
        self.compared.extend(others.iter().filter_map(number).map(|number| Compared {
            number,
            step,
            listed: None,
        }));
        order.iter().chain(&others).filter_map(|i| Some((number(i)?, *i))).collect()
    }

    /// The reference has ended: what did not enter it, and has no entry in its step, is let go.
    pub fn end_reference(&mut self, entries: &[Entry]) {
        let steps: HashSet<u64> = entries.iter().map(|entry| entry.rollout.step).collect();
        self.compared.retain(|other| steps.contains(&other.step));
        self.enter(entries);
        let kept: HashSet<u64> = self.compared.iter().map(|compared| compared.number).collect();
        self.texts.retain(|number, _| kept.contains(number));
    }

    fn enter(&mut self, entries: &[Entry]) {
        self.entries += entries.len();
        self.compared.extend(entries.iter().map(|entry| {
            let rollout = entry.rollout;
            Compared { number: rollout.row, step: rollout.step, listed: Some(rollout.score()) }
        }));
    }

    /// Rollouts of a step whose texts are wanted: its entries and others; where rewards above `paid` are paid, one that was and some
    /// that were not.
    pub fn of_step(&mut self, scored: &[Scored], entries: &[Entry], paid: Option<f64>) -> Vec<(u64, usize)> {
        let Some(step) = scored.first().map(|rollout| rollout.step) else { return Vec::new() };
        let listed: HashSet<u64> = entries.iter().map(|entry| entry.rollout.row).collect();
        let (own, rest): (Vec<usize>, Vec<usize>) =
            (0..scored.len()).partition(|i| scored.get(*i).is_some_and(|r| listed.contains(&r.row)));
        let number = |i: &usize| Some((scored.get(*i)?.row, *i));
        let mut wanted: Vec<(u64, usize)> = own.iter().filter_map(number).collect();
        let mut stream = stream(step);
        if let Some(above) = paid {
            wanted.extend(self.of_paid(step, scored, above, &mut stream));
        } else if !entries.is_empty() && self.entries < MOST_COMPARED {
            let others = stream.draw(rest, OTHERS);
            wanted.extend(others.iter().filter_map(number));
            let other = |(number, _): (u64, usize)| Compared { number, step, listed: None };
            self.compared.extend(others.iter().filter_map(number).map(other));
        }
        self.enter(entries);
        wanted
    }

    fn of_paid(
        &mut self,
        step: u64,
        scored: &[Scored],
        above: f64,
        stream: &mut Stream,
    ) -> Vec<(u64, usize)> {
        self.stride = self.stride.max(1);
        self.steps += 1;
        let is_paid = |i: &usize| scored.get(*i).is_some_and(|rollout| rollout.reward > above);
        let (paid, unpaid): (Vec<usize>, Vec<usize>) = (0..scored.len()).partition(is_paid);
        if !(self.steps - 1).is_multiple_of(self.stride) || paid.is_empty() || unpaid.is_empty() {
            return Vec::new();
        }
        let number = |i: usize| Some((scored.get(i)?.row, i));
        let paid: Vec<_> = stream.draw(paid, 1).into_iter().filter_map(number).collect();
        let unpaid: Vec<_> = stream.draw(unpaid, UNPAID).into_iter().filter_map(number).collect();
        let of_step = (paid.iter().map(|p| (p.0, true))).chain(unpaid.iter().map(|u| (u.0, false))).collect();
        self.paid.push((step, of_step));
        if self.paid.len() > PAID_STEPS {
            self.stride *= 2;
            let mut at = 0usize;
            self.paid.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            let kept: HashSet<u64> =
                (self.paid.iter().flat_map(|(_, rows)| rows.iter().map(|(number, _)| *number)))
                    .chain(self.compared.iter().map(|compared| compared.number))
                    .collect();
            self.texts.retain(|number, _| kept.contains(number));
        }
        paid.into_iter().chain(unpaid).collect()
    }

    /// A text that was wanted.
    pub fn tell(&mut self, number: u64, text: RowText) {
        self.texts.insert(number, short(text));
    }

    pub fn text(&self, number: u64) -> Option<&RowText> {
        self.texts.get(&number)
    }

    /// Completions to compare: the rewarded with others, or the entries with others.
    pub fn samples(&self, paid: bool) -> Vec<Sample> {
        let text = |number: &u64| self.texts.get(number)?.completion.clone();
        let prompt = |number: &u64| self.texts.get(number)?.prompt.clone();
        if paid {
            let of_step = |(step, rows): &(u64, Vec<(u64, bool)>)| {
                let sample = |(number, listed): &(u64, bool)| {
                    let prompt = prompt(number);
                    Some(Sample { stratum: *step, listed: *listed, text: text(number)?, prompt })
                };
                rows.iter().filter_map(sample).collect::<Vec<_>>()
            };
            return self.paid.iter().flat_map(of_step).collect();
        }
        let mut listed: Vec<&Compared> =
            self.compared.iter().filter(|compared| compared.listed.is_some()).collect();
        listed.sort_by(|a, b| b.listed.unwrap_or_default().total_cmp(&a.listed.unwrap_or_default()));
        listed.truncate(COMPARED);
        let steps: HashSet<u64> = listed.iter().map(|compared| compared.step).collect();
        let others =
            self.compared.iter().filter(|other| other.listed.is_none() && steps.contains(&other.step));
        (listed.into_iter().chain(others))
            .filter_map(|of| {
                let (listed, prompt) = (of.listed.is_some(), prompt(&of.number));
                Some(Sample { stratum: of.step, listed, text: text(&of.number)?, prompt })
            })
            .collect()
    }
}
