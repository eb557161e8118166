//! The reading list: every rollout whose score enters the k highest seen so far (k-records).
//!
//! The score is the reward less a centre ([`Centre`]). If benign scores are exchangeable, each of the n seen so far is among the k highest
//! with probability min(1, k/n) whatever their law, so k follows from the number of benign rollouts that one is ready to read
//! ([`crate::theory::records`]). The rollouts of a step share the noise of their centre, so they are ranked together: a rollout enters that is
//! among the k highest when its step ends, and n is counted to there. Nobody confirms anything, so all entries stay in the ranking: each raises the bar for the next.

use super::centre::{Centre, GroupMedians};
use crate::theory::records::Records;
use serde::{Deserialize, Serialize};

/// Rollouts for each of the reference that a list is planned for where their number is not known.
const AHEAD: u64 = 100;

/// What a reading list may cost, and what it begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListSettings {
    /// Benign rollouts that are expected on the list in the end, the reference's own top included.
    pub benign: f64,
    /// Rollouts that there will be, with the reference's; where it is not known, 100 times those of the reference.
    pub rollouts: Option<u64>,
    /// Steps that are the reference.
    pub reference_steps: usize,
    /// With whom rollouts are compared; where it is not said, the first step that is seen decides ([`Centre::of`]).
    pub centre: Option<Centre>,
}

impl Default for ListSettings {
    fn default() -> Self {
        Self { benign: 20.0, rollouts: None, reference_steps: 10, centre: None }
    }
}

/// A rollout as the list sees it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Its number, in the order in which rollouts come.
    pub row: u64,
    /// Its training step.
    pub step: u64,
    /// Its reward.
    pub reward: f64,
    /// What is subtracted from it.
    pub centre: f64,
    /// What was sampled: equal for equal completions of the same prompt.
    pub outcome: u64,
}

impl Scored {
    /// The reward less the centre, to the digits of single precision: the same distance at another level is a tie, whatever the last
    /// digits of the two numbers were.
    pub fn score(&self) -> f64 {
        let score = self.reward - self.centre;
        let rounded = f64::from(score as f32);
        // Beyond the range of single precision nothing is rounded.
        if rounded.is_normal() || score == 0.0 { rounded } else { score }
    }
}

/// A rollout on the list.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The rollout.
    pub rollout: Scored,
    /// Its rank among those seen by then, from 1.
    pub rank: usize,
    /// How many had been seen by then, with it.
    pub of: u64,
    /// Benign entries that were expected by then.
    pub expected_benign: f64,
    /// Whether it is one of the reference.
    pub reference: bool,
}

/// The rollouts of one step.
#[derive(Debug, Clone, Copy)]
pub struct StepRows<'a> {
    /// Their rewards.
    pub rewards: &'a [f64],
    /// Equal numbers for rollouts of one group; empty where there are no groups.
    pub groups: &'a [u64],
    /// Equal numbers for equal completions of the same prompt; empty where texts are not known.
    pub outcomes: &'a [u64],
}

/// The list, step by step. Its state is what serialises.
///
/// ```
/// use tailcatch::monitor::{ListSettings, ReadingList, StepRows};
/// let mut list = ReadingList::new(ListSettings { reference_steps: 1, benign: 3.0, ..ListSettings::default() });
/// let quiet: Vec<f64> = (0..64).map(|i| f64::from(i % 8) * 0.1).collect();
/// let mut late = quiet.clone();
/// late[7] = 20.0;
/// let rows = |rewards| StepRows { rewards, groups: &[], outcomes: &[] };
/// assert!(list.see(1, &rows(&quiet)).is_empty());
/// let entries = list.see(2, &rows(&late));
/// assert!(entries.iter().any(|entry| entry.rollout.row == 64 + 7 && entry.rank == 1));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadingList {
    settings: ListSettings,
    ranking: Ranking,
    steps: usize,
    last_step: Option<u64>,
    learning: bool,
    expected: f64,
    medians: GroupMedians,
}

impl ReadingList {
    /// An empty list.
    pub fn new(settings: ListSettings) -> Self {
        let most = settings.benign.clamp(1.0, 1e6) as usize;
        Self {
            settings,
            ranking: Ranking::new(most),
            steps: 0,
            last_step: None,
            learning: true,
            expected: 0.0,
            medians: GroupMedians::default(),
        }
    }

    /// The rollouts of the next step, or more of the last one; what of them goes on the list. The reference's own entries
    /// come with the first step after it.
    pub fn see(&mut self, step: u64, rows: &StepRows<'_>) -> Vec<Entry> {
        let mut entries = Vec::new();
        if self.last_step != Some(step) {
            self.last_step = Some(step);
            self.steps += 1;
        }
        if self.learning && self.steps > self.settings.reference_steps {
            entries = self.begin();
        }
        let centre = *self.settings.centre.get_or_insert_with(|| Centre::of(rows.groups));
        let centres = centre.centres(rows.groups, rows.rewards, &mut self.medians);
        let first = self.ranking.seen;
        let mut step_rows = Vec::with_capacity(rows.rewards.len());
        for (i, (&reward, centre)) in rows.rewards.iter().zip(centres).enumerate() {
            let row = first + i as u64;
            let outcome = rows.outcomes.get(i).copied().unwrap_or(row);
            let rollout = Scored { row, step, reward, centre, outcome };
            if self.learning {
                self.learn(rollout);
            } else {
                step_rows.push(rollout);
            }
        }
        entries.extend(self.judge(&step_rows));
        entries
    }

    /// A rollout of the reference.
    pub(in crate::monitor) fn learn(&mut self, rollout: Scored) {
        self.ranking.offer(rollout);
    }

    /// Ends the reference: its highest are the first entries, in the order of the steps.
    pub fn begin(&mut self) -> Vec<Entry> {
        if !std::mem::replace(&mut self.learning, false) {
            return Vec::new();
        }
        let reference = self.ranking.seen;
        let rollouts = self.settings.rollouts.unwrap_or_else(|| reference.saturating_mul(AHEAD));
        self.ranking.narrow(places(self.settings.benign, rollouts, reference));
        let ranked = self.ranking.top.iter().enumerate();
        let mut entries: Vec<Entry> = ranked
            .map(|(at, rollout)| Entry {
                rollout: *rollout,
                rank: at + 1,
                of: reference,
                expected_benign: 0.0,
                reference: true,
            })
            .collect();
        entries.sort_by_key(|entry| (entry.rollout.step, entry.rollout.row));
        for entry in &mut entries {
            self.expected += 1.0;
            entry.expected_benign = self.expected;
        }
        entries
    }

    /// The rollouts of a step after the reference: those that go on the list, in their order.
    pub(in crate::monitor) fn judge(&mut self, rollouts: &[Scored]) -> Vec<Entry> {
        let mut entered: Vec<u64> = Vec::new();
        for rollout in rollouts {
            match self.ranking.offer(*rollout) {
                Offer::Entered => entered.push(rollout.row),
                // What took the place of a rollout of this step is listed for it.
                Offer::Replaced(row) => {
                    if let Some(place) = entered.iter_mut().find(|known| **known == row) {
                        *place = rollout.row;
                    }
                }
                Offer::Below => {}
            }
        }
        let of = self.ranking.seen;
        let share = (self.ranking.places as f64 / of.max(1) as f64).min(1.0);
        self.expected += share * rollouts.len() as f64;
        let (expected_benign, listed) = (self.expected, |row: &u64| entered.contains(row));
        let ranked = self.ranking.top.iter().enumerate().filter(|(_, rollout)| listed(&rollout.row));
        let mut entries: Vec<Entry> = ranked
            .map(|(at, rollout)| Entry {
                rollout: *rollout,
                rank: at + 1,
                of,
                expected_benign,
                reference: false,
            })
            .collect();
        entries.sort_by_key(|entry| entry.rollout.row);
        entries
    }

    /// k: places of the ranking, once the reference has ended.
    pub fn places(&self) -> usize {
        self.ranking.places
    }

    /// Benign entries that were expected so far.
    pub fn expected_benign(&self) -> f64 {
        self.expected
    }

    /// Rollouts seen so far.
    pub fn seen(&self) -> u64 {
        self.ranking.seen
    }

    /// Whether the rollouts seen so far all belong to the reference.
    pub fn is_learning(&self) -> bool {
        self.learning
    }
}

/// k: as many whole places as `benign` pays for, at least one; where nothing follows the reference, as many as are to be read.
pub(super) fn places(benign: f64, rollouts: u64, reference: u64) -> usize {
    let plan = Records::new(rollouts, reference, true).and_then(|plan| plan.whole_places(benign));
    let places = plan.unwrap_or_else(|_| (benign.max(1.0) as u64).min(rollouts.max(1)));
    usize::try_from(places).unwrap_or(usize::MAX).max(1)
}

/// What became of a rollout in the ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// It is among the k highest.
    Entered,
    /// It took the place of this row, which is the same thing with a lower score.
    Replaced(u64),
    /// It is not, or it is known.
    Below,
}

/// The k highest so far, the highest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ranking {
    pub places: usize,
    pub top: Vec<Scored>,
    /// Rollouts offered so far.
    pub seen: u64,
}

impl Ranking {
    pub fn new(places: usize) -> Self {
        Self { places, top: Vec::new(), seen: 0 }
    }

    /// Ranks a rollout. The same completion with the same reward is the same thing: it does not enter again, at most it takes the
    /// higher of the two scores.
    pub fn offer(&mut self, rollout: Scored) -> Offer {
        self.seen += 1;
        let score = rollout.score();
        if let (true, Some(last)) = (self.top.len() >= self.places, self.top.last())
            && score < last.score()
        {
            return Offer::Below;
        }
        let same = |other: &Scored| other.outcome == rollout.outcome && other.reward == rollout.reward;
        if let Some(at) = self.top.iter().position(same) {
            if self.top.get(at).is_none_or(|known| known.score() >= score) {
                return Offer::Below;
            }
            let known = self.top.remove(at);
            self.insert(rollout);
            return Offer::Replaced(known.row);
        }
        if self.insert(rollout) { Offer::Entered } else { Offer::Below }
    }

    /// Whether there was a place for it.
    fn insert(&mut self, rollout: Scored) -> bool {
        let (score, tie) = (rollout.score(), tie(rollout.outcome));
        let higher = |other: &Scored| {
            other.score() > score || other.score() == score && self::tie(other.outcome) > tie
        };
        let at = self.top.partition_point(higher);
        if at >= self.places {
            return false;
        }
        self.top.insert(at, rollout);
        self.top.truncate(self.places);
        true
    }

    /// Fewer places.
    fn narrow(&mut self, places: usize) {
        self.places = places;
        self.top.truncate(places);
    }
}

/// Decides between equal scores: a number that belongs to what was sampled, or to the row where that is not known (the finaliser of SplitMix64, Steele, Lea & Flood 2014).
pub(super) fn tie(outcome: u64) -> u64 {
    let mut z = outcome.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;
    use crate::foundation::rng::{Purpose, SeedTree};

    fn settings(benign: f64, rollouts: u64) -> ListSettings {
        ListSettings { benign, rollouts: Some(rollouts), reference_steps: 3, centre: None }
    }

    /// Entries of a log of `steps` steps of `batch` rollouts, rewards as they are made.
    fn entries(rewards: &[f64], batch: usize, settings: ListSettings) -> (Vec<Entry>, ReadingList) {
        let mut list = ReadingList::new(settings);
        let mut found = Vec::new();
        for (step, rewards) in rewards.chunks(batch).enumerate() {
            found.extend(list.see(step as u64, &StepRows { rewards, groups: &[], outcomes: &[] }));
        }
        (found, list)
    }

    #[test]
    fn as_many_benign_entries_as_were_promised_whatever_the_law() {
        // 30 steps of 64, the first 3 the reference; the level drifts by 3 units in all. 400 logs a law, 3 standard errors.
        const LOGS: usize = 400;
        let tree = SeedTree::new(21, 0);
        for (law, spec) in
            ["student_t:df=1.5", "log_normal:sigma=1", "normal:", "uniform:low=0,high=1"].iter().enumerate()
        {
            let law_of: DistributionSpec = spec.trim_end_matches(':').parse().unwrap();
            for (kind, shape) in [|x: f64| x, |x: f64| x.round(), |x: f64| f64::from(u8::from(x > 0.6))]
                .into_iter()
                .enumerate()
            {
                let mut stream = tree.stream(Purpose::Utility, (10 * law + kind) as u64);
                let (mut counts, mut promised) = (Vec::new(), 0.0);
                for _ in 0..LOGS {
                    let mut rewards = vec![0.0; 30 * 64];
                    law_of.part().fill(&mut rewards, &mut stream);
                    for (i, reward) in rewards.iter_mut().enumerate() {
                        *reward = shape(*reward) + (i / 64) as f64 * 0.1;
                    }
                    // Completions of their own in each log: they decide between ties.
                    let outcomes: Vec<u64> = rewards.iter().map(|_| stream.below(u64::MAX)).collect();
                    let mut list = ReadingList::new(settings(20.0, 30 * 64));
                    let mut found = Vec::new();
                    for (step, rewards) in rewards.chunks(64).enumerate() {
                        let outcomes = &outcomes[64 * step..64 * step + 64];
                        found.extend(list.see(step as u64, &StepRows { rewards, groups: &[], outcomes }));
                    }
                    promised = list.expected_benign();
                    counts.push(found.len() as f64);
                }
                let mean = counts.iter().sum::<f64>() / LOGS as f64;
                let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / (LOGS - 1) as f64;
                let error = (variance / LOGS as f64).sqrt();
                assert!((mean - promised).abs() < 3.0 * error, "{spec} {kind}: {mean} ± {error}, {promised}");
                assert!(promised <= 20.0 && promised > 15.0);
            }
        }
    }

    #[test]
    fn a_takeover_is_on_the_list_at_once_and_does_not_flood_it() {
        let mut stream = SeedTree::new(22, 0).stream(Purpose::Utility, 0);
        let rewards: Vec<f64> = (0..200 * 64)
            .map(|i| {
                let step = i / 64;
                let share = ((step as f64 - 60.0) / 40.0).clamp(0.0, 0.95);
                let noise = (0..6).map(|_| stream.open_unit()).sum::<f64>() - 3.0;
                noise + if stream.open_unit() < share { 20.0 } else { 0.0 }
            })
            .collect();
        let (found, _) = entries(&rewards, 64, settings(20.0, 200 * 64));
        let first = found.iter().find(|entry| entry.rollout.reward > 10.0).unwrap();
        let expected = rewards.iter().position(|reward| *reward > 10.0).unwrap();
        assert_eq!(first.rollout.row as usize, expected);
        assert!(found.len() <= 40, "{}", found.len());
    }

    #[test]
    fn the_state_goes_on_where_it_was_kept() {
        let mut stream = SeedTree::new(23, 0).stream(Purpose::Utility, 0);
        let rewards: Vec<f64> = (0..640).map(|_| (10.0 * stream.open_unit()).round()).collect();
        let (whole, _) = entries(&rewards, 64, settings(15.0, 640));
        let mut list = ReadingList::new(settings(15.0, 640));
        let mut found = Vec::new();
        for (step, rewards) in rewards.chunks(64).enumerate() {
            found.extend(list.see(step as u64, &StepRows { rewards, groups: &[], outcomes: &[] }));
            list = serde_json::from_str(&serde_json::to_string(&list).unwrap()).unwrap();
        }
        assert_eq!(found, whole);
        assert!(!whole.is_empty());
    }

    #[test]
    fn scores_are_rounded_within_the_range_of_single_precision_alone() {
        let score = |reward: f64, centre: f64| Scored { row: 0, step: 0, reward, centre, outcome: 0 }.score();
        assert_eq!(score(0.3, 0.1), score(0.5, 0.3));
        assert_eq!((score(4e-300, 2e-300), score(4e300, 2e300)), (2e-300, 2e300));
        assert_eq!(score(1.0, 1.0), 0.0);
    }

    #[test]
    fn the_same_completion_enters_once() {
        let mut list =
            ReadingList::new(ListSettings { reference_steps: 1, benign: 5.0, ..settings(5.0, 400) });
        let quiet: Vec<f64> = (0..40).map(f64::from).collect();
        list.see(0, &StepRows { rewards: &quiet, groups: &[], outcomes: &[] });
        let mut entered = 0;
        for step in 1..9u64 {
            let mut rewards = quiet.clone();
            rewards[3] = 90.0;
            // The level falls, so that the same reward scores ever higher.
            rewards[4..].iter_mut().for_each(|reward| *reward -= step as f64);
            let outcomes: Vec<u64> = (0..40).map(|i| if i == 3 { 7 } else { 1000 * step + i }).collect();
            let rows = StepRows { rewards: &rewards, groups: &[], outcomes: &outcomes };
            entered += list.see(step, &rows).iter().filter(|e| e.rollout.outcome == 7).count();
        }
        assert_eq!(entered, 1);
    }
}
