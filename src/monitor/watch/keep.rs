//! Which texts of a growing log are kept: those of the entries, and of some others of their steps to compare them with.

use crate::foundation::rng::{Purpose, SeedTree, Stream};
use crate::monitor::MIN_GROUP;
use crate::monitor::reading::{
    COMPARED, Entry, MATES, OF_A_STEP, RowText, Sample, Scored, by_lot, of_a_step,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

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
    /// Those that it is compared with have the same: its group, where these are known, else its step.
    stratum: u64,
    /// Its score, of an entry.
    listed: Option<f64>,
}

/// Texts that are kept, and why.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Keep {
    texts: BTreeMap<u64, RowText>,
    compared: Vec<Compared>,
    /// Whether their strata are groups.
    in_groups: bool,
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
    /// Rollouts of a step of the reference that may be entries when it ends, and others. `groups`: empty where rollouts are compared with
    /// their step.
    pub fn of_reference(&mut self, scored: &[Scored], groups: &[u64], most: f64) -> Vec<(u64, usize)> {
        let mut order: Vec<usize> = (0..scored.len()).collect();
        let score = |i: &usize| scored.get(*i).map_or(f64::NEG_INFINITY, Scored::score);
        order.sort_by(|a, b| score(b).total_cmp(&score(a)));
        order.truncate(most.clamp(1.0, 64.0).ceil() as usize);
        self.in_groups = !groups.is_empty();
        let others = others(scored, groups, &order, OF_A_STEP);
        order.into_iter().chain(others).filter_map(|at| self.compare(scored, groups, at)).collect()
    }

    /// Compares a rollout with those of its stratum.
    fn compare(&mut self, scored: &[Scored], groups: &[u64], at: usize) -> Option<(u64, usize)> {
        let Scored { row: number, step, .. } = *scored.get(at)?;
        let stratum = groups.get(at).copied().unwrap_or(step);
        self.compared.push(Compared { number, stratum, listed: None });
        Some((number, at))
    }

    /// The reference has ended: what did not enter it, and has no entry in its group or step, is let go.
    pub fn end_reference(&mut self, entries: &[Entry]) {
        self.enter(entries);
        self.let_go();
    }

    fn enter(&mut self, entries: &[Entry]) {
        let scores: HashMap<u64, f64> =
            entries.iter().map(|entry| (entry.rollout.row, entry.rollout.score())).collect();
        for compared in &mut self.compared {
            compared.listed = scores.get(&compared.number).copied().or(compared.listed);
        }
    }

    /// Of entries the highest stay, of others those of their groups or steps.
    pub fn let_go(&mut self) {
        let mut scores: Vec<f64> = self.compared.iter().filter_map(|compared| compared.listed).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        let lowest = scores.get(COMPARED - 1).copied().unwrap_or(f64::NEG_INFINITY);
        self.compared.retain(|compared| compared.listed.is_none_or(|score| score >= lowest));
        let strata = self.strata();
        self.compared.retain(|compared| strata.contains_key(&compared.stratum));
        self.forget();
    }

    /// How many entries there are of each group or step that has some.
    fn strata(&self) -> HashMap<u64, usize> {
        let mut strata = HashMap::new();
        for entry in self.compared.iter().filter(|compared| compared.listed.is_some()) {
            *strata.entry(entry.stratum).or_default() += 1;
        }
        strata
    }

    /// Lets the texts go that are not compared any more.
    fn forget(&mut self) {
        let kept: HashSet<u64> =
            (self.paid.iter().flat_map(|(_, rows)| rows.iter().map(|(number, _)| *number)))
                .chain(self.compared.iter().map(|compared| compared.number))
                .collect();
        self.texts.retain(|number, _| kept.contains(number));
    }

    /// Rollouts of a step whose texts are wanted: its entries and others; where rewards above `paid` are paid, one that was and some
    /// that were not.
    pub fn of_step(
        &mut self,
        scored: &[Scored],
        groups: &[u64],
        entries: &[Entry],
        paid: Option<f64>,
    ) -> Vec<(u64, usize)> {
        let Some(step) = scored.first().map(|rollout| rollout.step) else { return Vec::new() };
        let listed: HashSet<u64> = entries.iter().map(|entry| entry.rollout.row).collect();
        let is_listed = |i: &usize| scored.get(*i).is_some_and(|r| listed.contains(&r.row));
        let own: Vec<usize> = (0..scored.len()).filter(is_listed).collect();
        let others = match paid {
            None if !own.is_empty() => others(scored, groups, &own, of_a_step(self.strata().len() + 1)),
            _ => Vec::new(),
        };
        self.in_groups = !groups.is_empty();
        let mut wanted: Vec<(u64, usize)> =
            own.into_iter().chain(others).filter_map(|at| self.compare(scored, groups, at)).collect();
        if let Some(above) = paid {
            let known: HashSet<u64> = wanted.iter().map(|(number, _)| *number).collect();
            let paid = self.of_paid(step, scored, above, &mut stream(step));
            wanted.extend(paid.into_iter().filter(|(number, _)| !known.contains(number)));
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
            self.forget();
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
                    let (text, left_out) = (text(number)?, self.texts.get(number)?.left_out);
                    Some(Sample { stratum: *step, listed: *listed, text, left_out, prompt })
                };
                rows.iter().filter_map(sample).collect::<Vec<_>>()
            };
            return self.paid.iter().flat_map(of_step).collect();
        }
        let (mut own, others): (Vec<&Compared>, Vec<&Compared>) =
            self.compared.iter().partition(|compared| compared.listed.is_some());
        own.sort_by(|a, b| b.listed.unwrap_or_default().total_cmp(&a.listed.unwrap_or_default()));
        own.truncate(COMPARED);
        let mut strata: BTreeMap<u64, (Vec<&Compared>, Vec<&Compared>)> = BTreeMap::new();
        for entry in own {
            strata.entry(entry.stratum).or_default().0.push(entry);
        }
        for other in others {
            if let Some(of) = strata.get_mut(&other.stratum) {
                of.1.push(other);
            }
        }
        // A group of a few says nothing.
        strata.retain(|_, (own, others)| {
            !self.in_groups || !others.is_empty() && own.len() + others.len() >= MIN_GROUP
        });
        let of_a_step = of_a_step(strata.len());
        let chosen = strata.into_values().flat_map(|(own, others)| {
            let most = if self.in_groups { MATES * own.len() } else { of_a_step };
            own.into_iter().chain(by_lot(others, |other| other.number, most))
        });
        let sample = |of: &Compared| {
            let (listed, prompt) = (of.listed.is_some(), prompt(&of.number));
            let (text, left_out) = (text(&of.number)?, self.texts.get(&of.number)?.left_out);
            Some(Sample { stratum: of.stratum, listed, text, left_out, prompt })
        };
        chosen.filter_map(sample).collect()
    }
}

/// Others of the groups of `own`, or of the step where there are no groups: then up to `of_step`.
fn others(scored: &[Scored], groups: &[u64], own: &[usize], of_step: usize) -> Vec<usize> {
    let number = |at: &usize| scored.get(*at).map_or(u64::MAX, |rollout| rollout.row);
    let is_own: HashSet<usize> = own.iter().copied().collect();
    let rest = (0..scored.len()).filter(|at| !is_own.contains(at));
    if groups.is_empty() {
        return by_lot(rest.collect(), number, of_step);
    }
    let mut of_groups: BTreeMap<u64, (usize, Vec<usize>)> = BTreeMap::new();
    for group in own.iter().filter_map(|at| groups.get(*at)) {
        of_groups.entry(*group).or_default().0 += 1;
    }
    for at in rest {
        if let Some(of) = groups.get(at).and_then(|group| of_groups.get_mut(group)) {
            of.1.push(at);
        }
    }
    of_groups.into_values().flat_map(|(own, rest)| by_lot(rest, number, MATES * own)).collect()
}
