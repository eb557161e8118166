//! What is gathered of a log step by step: the list, the tail, the counts and the level of each step. Its state serialises.

use super::apart::{Apart, Tail, Tested};
use super::excess::{Count, Excess};
use super::list::{Entry, ListSettings, ReadingList, Scored, places};
use super::mates::{Groups, Unlike};
use super::point::Point;
use super::shift::{self, Known, Level};
use super::step_level::{StepRows, add_level};
use super::two_levels::{TwoLevels, in_pairs};
use super::values::Values;
use crate::foundation::order::sorted;
use crate::monitor::grouping::grouped;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Rollouts of the reference that are kept for its quantiles.
const KEPT: usize = 1 << 17;
/// Share of pairs that lie on unlike levels of their group from which on either level is one in twenty of it, and steps from the one to
/// the other up to which nothing stands apart.
const UNLIKE: f64 = 2.0 * LEVEL_SHARE * (1.0 - LEVEL_SHARE);
const WITHIN_STEPS: f64 = 1.5;
/// Pairs of rollouts of one group whose difference is kept.
const PAIRS: usize = 1 << 14;
/// Prompts of the reference that are counted: more of them do not matter to its level.
const PROMPTS: usize = 1 << 10;
/// Times that a prompt comes, on average, from which on prompts are taken to be the same all along.
const AGAIN: usize = 2;

/// Gaps that are looked at, one above the other, while what lies above one may be a task's.
const LOOKS: usize = 6;
/// Share of the reference, and rollouts of it, from which on what stands apart is a level of the reward and no exception.
const LEVEL_SHARE: f64 = 0.05;
const LEVEL_ROLLOUTS: usize = 10;
/// Share of the reference that is paid its highest from which on that is a level too.
const TIED: f64 = 0.01;
/// Times as often that later rollouts may be so.
const AS_OFTEN: f64 = 4.0;

/// What was gathered.
#[derive(Debug)]
pub(in crate::monitor) struct Gathered {
    pub entries: Vec<Entry>,
    pub places: usize,
    pub expected: f64,
    /// Rollouts of the reference, and after it.
    pub reference: usize,
    pub later: usize,
    /// What a rollout is compared with: "the median of its group".
    pub noun: &'static str,
    pub tested: Tested,
    /// What stands apart and may be a task's that pays more than others: then nothing is in `tested`.
    pub unlike: Option<(Apart, Unlike)>,
    pub known: Option<Known>,
    /// Values of the reference that tie, with how many rollouts have each.
    pub ties: Vec<(f64, u32)>,
    pub excess: Option<Excess>,
    pub levels: Vec<Level>,
    pub values: Values,
    /// The two levels of the reference, where rewards are not few.
    pub two: Option<TwoLevels>,
    /// Where rollouts of one group of the reference lie on two levels: the step between them, and the share of pairs that differ by it.
    pub two_in_groups: Option<(f64, f64)>,
}

impl Gathered {
    /// Rewards above this are paid and the others are not: where there are few values, or two levels.
    pub fn above(&self) -> Option<f64> {
        let level = || self.stand_apart().and_then(|apart| between(apart, self.reference));
        self.values.halfway().or(self.two.map_or_else(level, |two| Some(two.mark)))
    }

    /// What stands apart, be it as a task's that pays more.
    pub fn stand_apart(&self) -> Option<&Apart> {
        self.tested.apart.as_ref().or(self.unlike.as_ref().map(|(apart, _)| apart))
    }

    /// The same, to say where it stands.
    pub fn stand_apart_mut(&mut self) -> Option<&mut Apart> {
        self.tested.apart.as_mut().or(self.unlike.as_mut().map(|(apart, _)| apart))
    }
}

/// Halfway between two levels of the reward, where what stands apart is one that so many of the reference have as well.
fn between(apart: &Apart, reference: usize) -> Option<f64> {
    let level =
        apart.in_reference >= LEVEL_ROLLOUTS && apart.in_reference as f64 >= LEVEL_SHARE * reference as f64;
    level.then_some(apart.rewards.0 - (0.5 * apart.from_score - 0.5 * apart.rest))
}

/// A log while it is gone through: its reference first ([`Gathering::learn`]), then [`Gathering::begin`], then the rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::monitor) struct Gathering {
    list: ReadingList,
    tail: Tail,
    groups: Groups,
    /// The reference's own tail, until it has ended.
    own_tail: Option<Tail>,
    /// What stands apart within the reference.
    own_apart: Option<Apart>,
    count: Count,
    values: Values,
    levels: Vec<Level>,
    /// The reference's two levels, once it has ended.
    two: Option<TwoLevels>,
    /// By how much two rollouts of one group of it differ, until it has ended, and whether they do by next to nothing or one step.
    pairs: Vec<f64>,
    two_in_groups: Option<(f64, f64)>,
    /// Rollouts of the reference, until it has ended.
    kept: Vec<Point>,
    stride: usize,
    /// Prompts of the reference, as many as matter, and in how many steps each came, added up.
    own_prompts: BTreeSet<u64>,
    own_visits: usize,
    known: Option<Known>,
    ties: Vec<(f64, u32)>,
    highest: Option<f64>,
    reference: usize,
    later: usize,
    /// Whether the reference's steps are steps of the log.
    own_steps: bool,
}

impl Gathering {
    /// Of a log of `all` rollouts, `reference` of them its reference.
    pub fn new(benign: f64, all: usize, reference: usize, own_steps: bool) -> Self {
        let settings = ListSettings { benign, rollouts: Some(all as u64), ..ListSettings::default() };
        Self {
            list: ReadingList::new(settings),
            tail: Tail::new(all),
            groups: Groups::default(),
            own_tail: Some(Tail::new(reference)),
            own_apart: None,
            count: Count::new(places(benign, all as u64, reference as u64)),
            values: Values::default(),
            levels: Vec::new(),
            two: None,
            pairs: Vec::new(),
            two_in_groups: None,
            kept: Vec::new(),
            stride: reference.div_ceil(KEPT).max(1),
            own_prompts: BTreeSet::new(),
            own_visits: 0,
            known: None,
            ties: Vec::new(),
            highest: None,
            reference: 0,
            later: 0,
            own_steps,
        }
    }

    /// A step of the reference.
    pub fn learn(&mut self, rows: &StepRows<'_>) {
        self.count.see(rows.scored, true);
        self.groups.see(rows.step, rows.groups, rows.scored);
        self.pair(rows);
        let prompts: BTreeSet<u64> = rows.prompts.iter().copied().collect();
        self.own_visits += prompts.len();
        if self.own_prompts.len() < PROMPTS {
            self.own_prompts.extend(prompts);
        }
        for rollout in rows.scored {
            let Scored { row, step, reward, .. } = *rollout;
            let point = Point { row, score: rollout.score(), reward, step, reference: true };
            self.list.learn(*rollout);
            self.tail.see(point);
            if let Some(own) = &mut self.own_tail {
                own.see(point);
            }
            self.values.see(reward);
            self.highest = Some(self.highest.map_or(reward, |highest| highest.max(reward)));
            if self.reference.is_multiple_of(self.stride) {
                self.kept.push(point);
            }
            self.reference += 1;
        }
        if self.own_steps {
            add_level(&mut self.levels, rows, None, true);
        }
    }

    /// Pairs rollouts of a step of the reference with others of their groups.
    fn pair(&mut self, rows: &StepRows<'_>) {
        let groups = match rows.groups {
            [] => vec![(0..rows.rewards.len()).collect()],
            groups => grouped(groups),
        };
        for pair in groups.iter().flat_map(|group| group.chunks_exact(2)) {
            if self.pairs.len() >= PAIRS {
                return;
            }
            if let [a, b] = pair
                && let (Some(a), Some(b)) = (rows.rewards.get(*a), rows.rewards.get(*b))
            {
                self.pairs.push((a - b).abs());
            }
        }
    }

    /// Ends the reference; its entries.
    pub fn begin(&mut self) -> Vec<Entry> {
        let kept = std::mem::take(&mut self.kept);
        self.two_in_groups = in_pairs(&std::mem::take(&mut self.pairs));
        self.divide(&kept);
        let own_apart = self.own_tail.take().and_then(|own| own.test().apart);
        self.own_apart =
            own_apart.filter(|apart| !self.is_step(apart) && (self.two.is_none() || self.is_one(apart)));
        let rest: Vec<f64> = (kept.iter())
            .filter(|p| self.own_apart.as_ref().is_none_or(|apart| !apart.holds(p.reward, p.score)))
            .map(|point| point.reward)
            .collect();
        let highest = self.highest.filter(|_| self.own_apart.is_none());
        let prompts = std::mem::take(&mut self.own_prompts).len();
        // Prompts that come again and again are all that there are: later ones are no others.
        let new = prompts > 0 && self.own_visits < AGAIN * prompts;
        let ascending = sorted(&rest);
        self.ties = shift::ties(&ascending);
        self.known = Known::of(&ascending, highest, new.then_some(prompts));
        self.list.begin()
    }

    /// Compares rollouts that pass with each other from now on, where the rewards of the reference lie on two levels.
    fn divide(&mut self, kept: &[Point]) {
        let rewards: Vec<f64> = kept.iter().map(|point| point.reward).collect();
        self.two = TwoLevels::of(&sorted(&rewards)).filter(|two| two.divide(kept));
        let Some(two) = self.two else { return };
        for tail in std::iter::once(&mut self.tail).chain(&mut self.own_tail) {
            *tail = tail.of_levels(two);
            kept.iter().for_each(|point| tail.see(*point));
        }
        // They were seen against the medians of their groups.
        self.groups = Groups::default();
    }

    /// Whether rollouts are judged by two levels of the reference, and those above both by themselves.
    pub fn has_two_levels(&self) -> bool {
        self.two.is_some() && self.values.few().is_none()
    }

    /// Whether what stands apart is no level that the reference has as well.
    fn is_one(&self, apart: &Apart) -> bool {
        if self.is_step(apart) {
            return false;
        }
        between(apart, self.two.map_or(self.reference, |two| two.passed)).is_none()
    }

    /// Whether what stands apart begins no farther out than the one of two levels of a group lies above the other.
    fn is_step(&self, apart: &Apart) -> bool {
        let two = self.two_in_groups.filter(|(_, share)| *share >= UNLIKE);
        two.is_some_and(|(step, _)| apart.from_score <= WITHIN_STEPS * step)
    }

    /// The one value that all of the reference have, if it has ended and they do.
    pub fn one_value(&self) -> Option<f64> {
        let known = self.known.filter(|known| Some(known.lowest) == self.highest && self.reference > 1);
        known.map(|known| known.lowest)
    }

    /// Whether rewards of the reference are of few values or on two levels, so that they may be paid or not.
    pub fn may_be_paid(&self) -> bool {
        self.values.few().is_some() || self.above().is_some()
    }

    /// Rewards above this are paid and the others are not, so far.
    pub fn above(&self) -> Option<f64> {
        let level = || self.own_apart.as_ref().and_then(|apart| between(apart, self.reference));
        self.values.halfway().or(self.two.map_or_else(level, |two| Some(two.mark)))
    }

    /// What stands apart so far and is no level of the reference.
    pub fn apart(&self) -> Option<Apart> {
        self.tested().0.apart.filter(|apart| self.is_one(apart))
    }

    /// What stands apart, and what may be a task's that pays more than others. Above such a task, or a level that the reference has as well,
    /// others may stand apart for themselves.
    fn tested(&self) -> (Tested, Option<(Apart, Unlike)>) {
        let tested = self.tail.clone().test();
        let tested = if tested.apart.as_ref().is_some_and(|apart| self.is_of_level(apart)) {
            Tested { apart: None, ..tested }
        } else {
            tested
        };
        let Some(apart) = tested.apart.clone() else { return (tested, None) };
        let is_step = self.is_step(&apart);
        let why = if is_step { None } else { self.unlike(&apart) };
        if why.is_none() && self.is_one(&apart) {
            return (tested, None);
        }
        // Where no group is known, a part of them says no more.
        let looks = if let Some(Unlike::NotSaid(_)) = why { 0 } else { LOOKS };
        let mut fewer = apart.count;
        for _ in 0..looks {
            let Some(above) = self.tail.clone().test_of(fewer).apart else { break };
            if self.is_one(&above) && self.unlike(&above).is_none() {
                return (Tested { apart: Some(above), ..tested }, None);
            }
            fewer = above.count;
        }
        match why {
            Some(why) => (Tested { apart: None, ..tested }, Some((apart, why))),
            None if self.two.is_some() || is_step => (Tested { apart: None, ..tested }, None),
            None => (tested, None),
        }
    }

    /// Whether what stands apart is paid exactly the highest of the reference, as more than a few of it are: then its group is paid little,
    /// and not it much.
    fn is_of_level(&self, apart: &Apart) -> bool {
        let one = apart.rewards.0 == apart.rewards.1;
        // As often as in the reference, or not much more often.
        let (before, after) = (apart.in_reference as f64, (apart.count - apart.in_reference) as f64);
        let rates = (before / self.reference.max(1) as f64, after / self.later.max(1) as f64);
        let one = one && rates.1 <= AS_OFTEN * rates.0;
        let known = self.known.filter(|known| one && known.highest == apart.rewards.0);
        known.is_some_and(|known| known.tied >= TIED)
    }

    /// Why what stands apart may be a task's that pays more than others.
    fn unlike(&self, apart: &Apart) -> Option<Unlike> {
        let later = self.levels.iter().filter(|level| level.step >= apart.first_step);
        self.groups.unlike(apart, later.map(|level| level.rollouts).sum())
    }

    /// Rollouts of the reference.
    pub fn reference(&self) -> usize {
        self.reference
    }

    /// The steps' levels so far.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// k: places of the ranking.
    pub fn places(&self) -> usize {
        self.list.places()
    }

    /// Benign entries that were expected so far.
    pub fn expected_benign(&self) -> f64 {
        self.list.expected_benign()
    }

    /// A step after the reference; its entries.
    pub fn judge(&mut self, rows: &StepRows<'_>) -> Vec<Entry> {
        self.count.see(rows.scored, false);
        match self.two {
            Some(two) => {
                let scored = rows.scored.iter().map(|rollout| Scored { centre: two.upper, ..*rollout });
                self.groups.see(rows.step, rows.groups, &scored.collect::<Vec<Scored>>());
            }
            None => self.groups.see(rows.step, rows.groups, rows.scored),
        }
        for rollout in rows.scored {
            let Scored { row, step, reward, .. } = *rollout;
            self.tail.see(Point { row, score: rollout.score(), reward, step, reference: false });
            self.values.see(reward);
        }
        self.later += rows.scored.len();
        add_level(&mut self.levels, rows, self.known, false);
        self.list.judge(rows.scored)
    }

    /// What was gathered.
    pub fn finish(mut self, entries: Vec<Entry>, noun: &'static str) -> Gathered {
        self.levels.sort_by_key(|level| level.step);
        self.tail.settle();
        let (tested, unlike) = self.tested();
        let two = self.two.filter(|_| self.values.few().is_none());
        Gathered {
            entries,
            places: self.list.places(),
            expected: self.list.expected_benign(),
            reference: self.reference,
            later: self.later,
            noun,
            tested,
            unlike,
            known: self.known,
            ties: self.ties,
            excess: self.count.finish(),
            levels: self.levels,
            values: self.values,
            two,
            two_in_groups: self.two_in_groups,
        }
    }
}
