//! Are the groups in which rollouts stand apart like the others, but for them?
//!
//! An exploit takes the place of a rollout in a group like any other: the rest of that group spreads as others do. Where a task pays more
//! than others, the rest of its groups spreads wider, for what is paid in part is more as well, or less, for all of the rest failed and
//! nothing of what other groups are paid is among it. Spreads are compared by their ranks (Mann & Whitney 1947), and how the rest lies about
//! its median.

use super::apart::Apart;
use super::list::{Scored, tie};
use crate::foundation::order::median;
use crate::monitor::grouping::{MIN_GROUP, grouped};
use serde::{Deserialize, Serialize};

/// Groups that are kept: those with the highest scores, and others by lot.
const HIGHEST: usize = 256;
const OTHERS: usize = 512;
/// Groups whose rest is compared, the earliest first: later on the policy may be another.
const COMPARED: usize = 128;
/// Fewest groups of the same steps to compare them with; else those of all steps.
const FEWEST: usize = 20;
/// Fewest rollouts of a group beside those that stand apart.
const MATES: usize = 2;
/// Scores of a group that are kept.
const KEPT: usize = 32;
/// Probability, in standard normal deviations, and share of pairs in which the rest of a group spreads wider than another group, up to
/// which and from which on they are unlike.
const DEVIATION: f64 = 1.645;
const SELDOM: f64 = 1.0 / 3.0;
const MOSTLY: f64 = 0.8;
/// The same of the shape of groups: groups of either kind that it takes, by how much their shapes differ, and the share of a typical spread
/// that is nothing.
const ENOUGH: usize = 8;
const APART: f64 = 0.07;
const SMALLEST: f64 = 1e-3;
/// Rollouts that are many where no group is known, and their share from the first on.
const MANY: usize = 20;
const SHARE: f64 = 0.05;

/// Why rollouts that stand apart may be those of a task that pays more than others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlike {
    /// The rest of their groups spreads wider than other groups.
    Wider,
    /// The rest of their groups spreads less.
    Narrower,
    /// The rest of their groups lies otherwise about its median.
    Other,
    /// Their groups have no rest: all of each stand apart.
    Whole,
    /// They are many, and nobody says which rollouts belong together: their share from the first on.
    NotSaid(f64),
}

/// Scores of a group, descending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Group {
    step: u64,
    lot: u64,
    scores: Vec<f32>,
}

impl Group {
    fn top(&self) -> f64 {
        self.scores.first().map_or(f64::NEG_INFINITY, |top| f64::from(*top))
    }

    /// Those below `limit`, if they are at least half.
    fn rest(&self, limit: f64) -> Option<Rest> {
        let rest: Vec<f32> = self.scores.iter().copied().filter(|score| f64::from(*score) < limit).collect();
        (rest.len() >= MATES && 2 * rest.len() >= self.scores.len()).then_some(Rest(rest))
    }

    /// As many of them, drawn by lot.
    fn of(&self, mates: usize) -> Rest {
        let mut places: Vec<usize> = (0..self.scores.len()).collect();
        places.sort_by_key(|place| tie(self.lot ^ *place as u64));
        places.truncate(mates);
        places.sort_unstable();
        Rest(places.into_iter().filter_map(|place| self.scores.get(place).copied()).collect())
    }

    fn spread(&self) -> f64 {
        self.of(usize::MAX).spread()
    }
}

/// Scores of a group or of a part of it, descending.
struct Rest(Vec<f32>);

impl Rest {
    /// How far the highest and the lowest lie from the median.
    fn sides(&self) -> [f64; 2] {
        let score = |at: usize| self.0.get(at).map_or(0.0, |score| f64::from(*score));
        let last = self.0.len().saturating_sub(1);
        let middle = 0.5 * (score(last / 2) + score(last.div_ceil(2)));
        [score(0) - middle, middle - score(last)]
    }

    fn spread(&self) -> f64 {
        self.sides().iter().sum()
    }
}

/// Groups of a log while it is gone through.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Groups {
    seen: u64,
    highest: Vec<Group>,
    others: Vec<Group>,
}

impl Groups {
    /// The rollouts of a step; `groups` is empty where they are not compared with their group.
    pub fn see(&mut self, step: u64, groups: &[u64], rollouts: &[Scored]) {
        for rows in grouped(groups).into_iter().filter(|rows| rows.len() >= MIN_GROUP) {
            let mut scores: Vec<f32> =
                rows.iter().filter_map(|row| Some(rollouts.get(*row)?.score() as f32)).collect();
            scores.sort_unstable_by(|a, b| b.total_cmp(a));
            if scores.len() > KEPT {
                let last = scores.len() - 1;
                scores = (0..KEPT).filter_map(|i| scores.get(i * last / (KEPT - 1)).copied()).collect();
            }
            let group = Group { step, lot: tie(self.seen), scores };
            self.seen += 1;
            self.others.push(group.clone());
            self.highest.push(group);
        }
        if self.highest.len() >= 2 * HIGHEST {
            self.highest.sort_by(|a, b| b.top().total_cmp(&a.top()).then(a.lot.cmp(&b.lot)));
            self.highest.truncate(HIGHEST);
        }
        if self.others.len() >= 2 * OTHERS {
            self.others.sort_by_key(|group| group.lot);
            self.others.truncate(OTHERS);
        }
    }

    /// Why what stands apart may be a task's. `later`: the rollouts from its first step on.
    pub fn unlike(&self, apart: &Apart, later: usize) -> Option<Unlike> {
        if self.seen == 0 {
            let share = apart.count as f64 / later.max(1) as f64;
            return (apart.count >= MANY && share >= SHARE).then_some(Unlike::NotSaid(share.min(1.0)));
        }
        let limit = apart.from_score;
        let mut with: Vec<&Group> = self.highest.iter().filter(|group| group.top() >= limit).collect();
        with.sort_by_key(|group| (group.step, group.lot));
        let rest = |group: &&Group| group.rest(limit).map(|rest| (group.step, rest));
        let own: Vec<(u64, Rest)> = with.iter().filter_map(rest).take(COMPARED).collect();
        // Where all of a group stand apart at once, its task may pay more: what a policy finds it finds in some of a group first.
        let Some(last) = own.last().map(|(step, _)| *step) else {
            return (!with.is_empty()).then_some(Unlike::Whole);
        };
        // A group of which most stand apart has its own median among them, and the others far below.
        let whole = |group: &Group| apart.above.is_some() || group.spread() < limit;
        let is_other = |group: &&Group| group.top() < limit && whole(group);
        let all: Vec<&Group> = self.others.iter().filter(is_other).collect();
        let same: Vec<&Group> =
            all.iter().copied().filter(|group| (apart.first_step..=last).contains(&group.step)).collect();
        let others = if same.len() >= FEWEST { same } else { all };
        let mates = own.iter().map(|(_, rest)| rest.0.len()).cycle();
        let others: Vec<Rest> = others.iter().zip(mates).map(|(group, mates)| group.of(mates)).collect();
        let own: Vec<Rest> = own.into_iter().map(|(_, rest)| rest).collect();
        let spreads = |of: &[Rest]| of.iter().map(Rest::spread).collect::<Vec<f64>>();
        let (wider, deviation) = ranks(&spreads(&own), &spreads(&others))?;
        match wider {
            _ if wider >= MOSTLY && deviation >= DEVIATION => Some(Unlike::Wider),
            _ if wider <= SELDOM && deviation <= -DEVIATION => Some(Unlike::Narrower),
            _ if apart_in_shape(&own, &others).is_some_and(|apart| apart >= APART) => Some(Unlike::Other),
            _ => None,
        }
    }
}

/// By how much the shapes of the one differ from those of the other: the energy of two samples (Székely & Rizzo 2013) of the logarithms of
/// their sides, over the mean distance between them; about 0 of one law, 1 at most.
fn apart_in_shape(own: &[Rest], others: &[Rest]) -> Option<f64> {
    let typical = median(&own.iter().chain(others).map(Rest::spread).collect::<Vec<f64>>())?;
    // What is next to nothing is nothing.
    let least = SMALLEST * typical + f64::MIN_POSITIVE;
    let shapes =
        |of: &[Rest]| of.iter().map(|rest| rest.sides().map(|side| (side + least).ln())).collect::<Vec<_>>();
    let (own, others) = (shapes(own), shapes(others));
    if own.len() < ENOUGH || others.len() < ENOUGH {
        return None;
    }
    let distance = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let sum = |a: &[[f64; 2]], b: &[[f64; 2]]| -> f64 {
        a.iter().map(|a| b.iter().map(|b| distance(a, b)).sum::<f64>()).sum()
    };
    let pairs = |n: usize| n as f64 * (n as f64 - 1.0);
    let between = sum(&own, &others) / own.len() as f64 / others.len() as f64;
    let within = sum(&own, &own) / pairs(own.len()) + sum(&others, &others) / pairs(others.len());
    (between > 0.0).then_some(1.0 - 0.5 * within / between)
}

/// The share of pairs in which the first is larger, ties by half, and its deviation from a half in standard errors of equal laws.
fn ranks(own: &[f64], others: &[f64]) -> Option<(f64, f64)> {
    let (n, m) = (own.len() as f64, others.len() as f64);
    if n == 0.0 || m == 0.0 {
        return None;
    }
    let pairs = own.iter().flat_map(|a| others.iter().map(move |b| (a, b)));
    let larger: f64 = pairs
        .map(|(a, b)| match a.total_cmp(b) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        })
        .sum();
    let share = larger / (n * m);
    Some((share, (share - 0.5) / ((n + m + 1.0) / (12.0 * n * m)).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree, Stream};

    /// 60 steps of 8 groups of 8; `reward` gives one, told its step, group and whether the group's task is the one in five that pays 20.
    fn groups(seed: u64, mut reward: impl FnMut(&mut Stream, u64, bool) -> f64) -> Groups {
        let mut stream = SeedTree::new(seed, 0).stream(Purpose::Utility, 0);
        let mut groups = Groups::default();
        for step in 0..60 {
            let (mut scored, mut names) = (Vec::new(), Vec::new());
            for group in 0..8u64 {
                let pays = stream.open_unit() < 0.2;
                let rewards: Vec<f64> = (0..8).map(|_| reward(&mut stream, step, pays)).collect();
                let centre = median(&rewards).unwrap();
                for reward in rewards {
                    let row = scored.len() as u64;
                    scored.push(Scored { row, step, reward, centre, outcome: row });
                    names.push(group);
                }
            }
            groups.see(step, &names, &scored);
        }
        groups
    }

    fn apart(from_score: f64, first_step: u64) -> Apart {
        let (rest, rewards, p_value) = (3.0, (20.0, 20.0), 1e-12);
        Apart {
            count: 60,
            from_score,
            rest,
            rewards,
            in_reference: 0,
            first_step,
            p_value,
            above: None,
            places: Vec::new(),
            first: Vec::new(),
        }
    }

    fn noise(stream: &mut Stream) -> f64 {
        (0..6).map(|_| stream.open_unit()).sum::<f64>() - 3.0
    }

    #[test]
    fn a_task_that_pays_more_is_told_from_an_exploit_by_the_rest_of_its_groups() {
        let (mut exploits, mut wider, mut narrower, mut other) = (0, 0, 0, 0);
        for seed in 0..100 {
            // One rollout in forty is paid 20 from step 15 on, in any group.
            let hacked = groups(seed, |stream, step, _| match step >= 15 && stream.open_unit() < 0.025 {
                true => 20.0,
                false => noise(stream),
            });
            exploits += usize::from(hacked.unlike(&apart(15.0, 15), 1).is_some());
            let in_part = groups(seed, |stream, _, pays| if pays { 10.0 } else { 1.0 } * noise(stream));
            wider += usize::from(in_part.unlike(&apart(8.0, 0), 1) == Some(Unlike::Wider));
            let all_or_nothing = groups(seed, |stream, _, pays| {
                let most = if pays { 20.0 } else { 1.0 };
                0.05 * noise(stream) + if stream.open_unit() < 0.2 { most } else { 0.0 }
            });
            narrower += usize::from(all_or_nothing.unlike(&apart(15.0, 0), 1) == Some(Unlike::Narrower));
            // Five tasks, with noise as large as each pays.
            let mut at = 0;
            let scaled = groups(seed, |stream, _, _| {
                let group = at / 8;
                at += 1;
                let most = [1.0, 2.0, 5.0, 10.0, 20.0][group % 5];
                let rate = [0.1, 0.3, 0.6, 0.9][group % 4];
                most * (0.05 * noise(stream) + f64::from(u8::from(stream.open_unit() < rate)))
            });
            other += usize::from(scaled.unlike(&apart(15.0, 0), 1).is_some());
        }
        assert!(
            exploits <= 3 && wider >= 97 && narrower >= 97 && other >= 90,
            "{exploits} {wider} {narrower} {other}"
        );
    }

    #[test]
    fn groups_that_stand_apart_as_a_whole_may_be_a_tasks() {
        // 40 steps of eight groups of eight, one of which is paid 20 from step 15 on; of one rollout there `partial` may make more.
        let of = |partial: bool| {
            let mut stream = SeedTree::new(7, 0).stream(Purpose::Utility, 0);
            let mut groups = Groups::default();
            for step in 0..40u64 {
                let row = |row: u64| {
                    let paid = step >= 15 && (row < 8 || partial && step == 20 && row == 30);
                    let reward = noise(&mut stream) + if paid { 20.0 } else { 0.0 };
                    Scored { row, step, reward, centre: 0.0, outcome: row }
                };
                let scored: Vec<Scored> = (0..64).map(row).collect();
                groups.see(step, &(0..64).map(|row| row / 8).collect::<Vec<u64>>(), &scored);
            }
            groups
        };
        assert_eq!(of(false).unlike(&apart(15.0, 15), 1), Some(Unlike::Whole));
        assert_eq!(of(false).unlike(&apart(50.0, 15), 1), None, "no group");
        assert_ne!(of(true).unlike(&apart(15.0, 15), 1), Some(Unlike::Whole), "in one group some are");
    }

    #[test]
    fn without_groups_many_are_not_told_from_a_task() {
        let unlike = |apart: &Apart, later| Groups::default().unlike(apart, later);
        assert_eq!(unlike(&apart(15.0, 0), 600), Some(Unlike::NotSaid(0.1)));
        assert_eq!(unlike(&apart(15.0, 0), 6000), None, "one in a hundred");
        assert_eq!(unlike(&Apart { count: 19, ..apart(15.0, 0) }, 60), None, "few");
    }
}
