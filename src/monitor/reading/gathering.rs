//! What is gathered of a log step by step: the list, the tail, the counts and the level of each step. Its state serialises.

use super::apart::{Apart, Point, Tail, Tested};
use super::excess::{Count, Excess};
use super::list::{Entry, ListSettings, ReadingList, Scored, places};
use super::mates::{Groups, Unlike};
use super::shift::{self, Known, Level};
use super::values::Values;
use crate::foundation::order::sorted;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Rollouts of the reference that are kept for its quantiles.
const KEPT: usize = 1 << 17;
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

/// The rollouts of a step, or a piece of them.
pub(in crate::monitor) struct StepRows<'a> {
    pub step: u64,
    pub median: f64,
    pub scored: &'a [Scored],
    pub rewards: &'a [f64],
    pub prompts: &'a [u64],
    /// Equal numbers for rollouts of one group; empty where they are not compared with it.
    pub groups: &'a [u64],
}

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
}

impl Gathered {
    /// Rewards above this are paid and the others are not: where there are few values, or two levels.
    pub fn above(&self) -> Option<f64> {
        let apart = self.tested.apart.as_ref().or(self.unlike.as_ref().map(|(apart, _)| apart));
        self.values.halfway().or(apart.and_then(|apart| between(apart, self.reference)))
    }
}

/// Halfway between two levels of the reward, where what stands apart is one that the reference has as well.
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
    /// Reward and score of rollouts of the reference, until it has ended.
    kept: Vec<(f64, f64)>,
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
        let prompts: BTreeSet<u64> = rows.prompts.iter().copied().collect();
        self.own_visits += prompts.len();
        if self.own_prompts.len() < PROMPTS {
            self.own_prompts.extend(prompts);
        }
        for rollout in rows.scored {
            let Scored { step, reward, .. } = *rollout;
            let point = Point { score: rollout.score(), reward, step, reference: true };
            self.list.learn(*rollout);
            self.tail.see(point);
            if let Some(own) = &mut self.own_tail {
                own.see(point);
            }
            self.values.see(reward);
            self.highest = Some(self.highest.map_or(reward, |highest| highest.max(reward)));
            if self.reference.is_multiple_of(self.stride) {
                self.kept.push((reward, rollout.score()));
            }
            self.reference += 1;
        }
        if self.own_steps {
            add_level(&mut self.levels, rows, None, true);
        }
    }

    /// Ends the reference; its entries.
    pub fn begin(&mut self) -> Vec<Entry> {
        self.own_apart = self.own_tail.take().and_then(|own| own.test().apart);
        let rest: Vec<f64> = (std::mem::take(&mut self.kept).iter())
            .filter(|(_, score)| self.own_apart.as_ref().is_none_or(|apart| *score < apart.from_score))
            .map(|(reward, _)| *reward)
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
        let level = self.own_apart.as_ref().and_then(|apart| between(apart, self.reference));
        self.values.halfway().or(level)
    }

    /// What stands apart so far.
    pub fn apart(&self) -> Option<Apart> {
        self.tested().0.apart
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
        let is_one = |apart: &Apart| between(apart, self.reference).is_none();
        let why = self.unlike(&apart);
        if why.is_none() && is_one(&apart) {
            return (tested, None);
        }
        // Where no group is known, a part of them says no more.
        let looks = if let Some(Unlike::NotSaid(_)) = why { 0 } else { LOOKS };
        let mut fewer = apart.count;
        for _ in 0..looks {
            let Some(above) = self.tail.clone().test_of(fewer).apart else { break };
            if is_one(&above) && self.unlike(&above).is_none() {
                return (Tested { apart: Some(above), ..tested }, None);
            }
            fewer = above.count;
        }
        match why {
            Some(why) => (Tested { apart: None, ..tested }, Some((apart, why))),
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
        self.groups.see(rows.step, rows.groups, rows.scored);
        for rollout in rows.scored {
            let Scored { step, reward, .. } = *rollout;
            self.tail.see(Point { score: rollout.score(), reward, step, reference: false });
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
        }
    }
}

fn add_level(levels: &mut Vec<Level>, rows: &StepRows<'_>, known: Option<Known>, reference: bool) {
    let above = |limit: fn(Known) -> f64| {
        known.map_or(0, |known| rows.rewards.iter().filter(|reward| **reward > limit(known)).count())
    };
    let (above_middle, far) = (above(|known| known.middle), above(Known::far));
    let below = known.map_or(0, |known| rows.rewards.iter().filter(|reward| **reward < known.low).count());
    let above = (above(|known| known.highest), above(|known| known.high));
    let tied = known.map_or(0, |known| rows.rewards.iter().filter(|r| **r == known.highest).count());
    let different = known.map_or(0, |known| rows.rewards.iter().filter(|r| **r != known.lowest).count());
    let mode = known.and_then(|known| shift::mode(rows.rewards, known.middle));
    let highest = rows.rewards.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let n = rows.rewards.len().max(1) as f64;
    let mean = rows.rewards.iter().map(|reward| reward / n).sum();
    match levels.last_mut() {
        Some(last) if last.step == rows.step => {
            let all = (last.rollouts + rows.rewards.len()) as f64;
            // Shares of each, so that no sum of huge rewards is too large.
            last.mean = last.mean * (last.rollouts as f64 / all) + mean * (rows.rewards.len() as f64 / all);
            last.rollouts += rows.rewards.len();
            last.highest = last.highest.max(highest);
            last.above = (last.above.0 + above.0, last.above.1 + above.1);
            last.above_middle += above_middle;
            last.far += far;
            last.below += below;
            last.tied += tied;
            last.different += different;
            last.mode = match (last.mode, mode) {
                (Some((value, n)), Some((other, more))) if value == other => Some((value, n + more)),
                (last, own) => last.into_iter().chain(own).max_by_key(|(_, n)| *n),
            };
        }
        _ => levels.push(Level {
            step: rows.step,
            rollouts: rows.rewards.len(),
            median: rows.median,
            mean,
            highest,
            above,
            above_middle,
            far,
            below,
            tied,
            mode,
            different,
            reference,
        }),
    }
}
