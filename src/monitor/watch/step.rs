//! The list of a log that is seen step by step.

use super::keep::Keep;
use super::rows::{Facts, Row, Seen, Wanted, WatchSettings, hand_out, of_step, wanted};
use super::since::Since;
use super::spread::Spread;
use crate::monitor::reading::{
    Apart, Centre, Entry, Gathering, GroupMedians, JUMPS, Jump, ListEntry, OF_GROUP, OF_STEP, Passes,
    RowText, Scored, list_entry, whose,
};
use crate::record::{Origin, Recurrences};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Steps that are planned for where their number is not known, for each of the reference.
const AHEAD: u64 = 100;
/// Probability that a log of exchangeable rewards is ever said to have a rollout that stands apart, all looks taken together.
const LEVEL: f64 = 0.02;

/// An entry that waits for its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Waiting {
    entry: Entry,
    file: usize,
    row: usize,
    line: Option<u64>,
    /// Of a prompt that went from never passing to always: which, and how.
    jump: Option<(u64, Jump)>,
}

/// A step of the reference, until it has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Learned {
    step: u64,
    rows: Vec<(Row, u64)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Stage {
    Reference(Vec<Learned>),
    Later(Box<Gathering>),
}

/// A log while it grows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Watch {
    pub(super) settings: WatchSettings,
    pub(super) stage: Stage,
    pub(super) centre: Option<Centre>,
    medians: GroupMedians,
    pub(super) passes: Option<Passes>,
    pub(super) keep: Keep,
    pub(super) since: Since,
    pub(super) spread: Spread,
    /// Rollouts whose texts were wanted to keep them.
    #[serde(skip)]
    asked: HashSet<u64>,
    waiting: Vec<Waiting>,
    /// All entries.
    pub(super) list: Vec<ListEntry>,
    /// What was seen, to know it again, and the latest step of it.
    pub(super) recurrences: Recurrences,
    last_step: Option<u64>,
    /// Rollouts that count, and those that were there before.
    pub(super) rows: u64,
    pub(super) duplicates: usize,
    pub(super) steps: u64,
    /// Looks at whether something stands apart, and what did at the last that said so.
    looks: u32,
    apart: Option<Apart>,
    /// Prompts that went from never passing to always, with the rollout that is listed of each.
    pub(super) of_jumps: Vec<(u64, ListEntry)>,
}

fn waiting(entry: Entry, row: &Row, jump: Option<Jump>) -> Waiting {
    let jump = jump.map(|jump| (row.prompt, jump));
    Waiting { entry, file: row.file, row: row.row, line: row.line, jump }
}

/// The first rollout of each of these prompts: all of them pass.
fn first_of(jumps: Vec<(u64, Jump)>, rows: &[(Row, u64)]) -> Vec<(usize, Jump)> {
    let first = |prompt: u64| rows.iter().position(|(row, _)| row.prompt == prompt);
    jumps.into_iter().filter_map(|(prompt, jump)| Some((first(prompt)?, jump))).collect()
}

impl Watch {
    /// A log of which nothing was seen. `several_files`: a step may be in more than one.
    pub fn new(settings: WatchSettings, several_files: bool) -> Self {
        Self {
            centre: settings.centre,
            medians: GroupMedians::default(),
            settings,
            stage: Stage::Reference(Vec::new()),
            passes: None,
            keep: Keep::default(),
            since: Since::default(),
            spread: Spread::default(),
            asked: HashSet::new(),
            waiting: Vec::new(),
            list: Vec::new(),
            recurrences: Recurrences::new(several_files),
            last_step: None,
            rows: 0,
            duplicates: 0,
            steps: 0,
            looks: 0,
            apart: None,
            of_jumps: Vec::new(),
        }
    }

    /// What was asked of it.
    pub fn settings(&self) -> &WatchSettings {
        &self.settings
    }

    /// The latest step that was judged.
    pub fn last_step(&self) -> Option<u64> {
        self.last_step
    }

    /// Whether all that was seen belongs to the reference.
    pub fn is_learning(&self) -> bool {
        matches!(self.stage, Stage::Reference(_))
    }

    /// What stands apart so far, said with an error of 2% over all of the log.
    pub fn apart(&self) -> Option<&Apart> {
        self.apart.as_ref()
    }

    /// Rollouts of a step that were not there before.
    pub(super) fn count(&mut self, step: u64, rows: Vec<Row>, facts: &Facts) -> Seen {
        let before = self.last_step;
        self.last_step = before.max(Some(step));
        if rows.is_empty() {
            return Seen {
                step,
                rollouts: 0,
                reference: self.is_learning(),
                share: 0.0,
                wanted: Vec::new(),
                notes: Vec::new(),
            };
        }
        let first = self.rows;
        self.rows += rows.len() as u64;
        // What comes of a step later on is no further one.
        let is_new = match &self.stage {
            Stage::Reference(steps) => steps.iter().all(|learned| learned.step != step),
            Stage::Later(_) => before.is_none_or(|before| step > before),
        };
        self.steps += u64::from(is_new);
        let numbered: Vec<(Row, u64)> = rows.into_iter().zip(first..).collect();
        let rollouts = numbered.len();
        if self.is_learning() && self.steps <= self.settings.reference() {
            let scored = self.scored(step, &numbered, facts, None);
            let groups = self.groups(&numbered, facts);
            let texts = self.keep.of_reference(&scored, &groups, self.settings.benign);
            let wanted = self.wanted(&numbered, &scored, texts, facts);
            if let Stage::Reference(steps) = &mut self.stage {
                match steps.iter_mut().find(|learned| learned.step == step) {
                    Some(learned) => learned.rows.extend(numbered),
                    None => steps.push(Learned { step, rows: numbered }),
                }
            }
            return Seen { step, rollouts, reference: true, share: 0.0, wanted, notes: Vec::new() };
        }
        self.begin(facts);
        self.judge(step, &numbered, facts)
    }

    /// Ends the reference.
    pub(super) fn begin(&mut self, facts: &Facts) {
        let Stage::Reference(steps) = &mut self.stage else { return };
        let mut steps = std::mem::take(steps);
        steps.sort_by_key(|learned| learned.step);
        let reference: usize = steps.iter().map(|learned| learned.rows.len()).sum();
        let own = steps.len().max(1) as u64;
        let planned = self.settings.steps.unwrap_or(own * AHEAD).max(own);
        let all = (reference as u64).saturating_mul(planned) / own;
        let mut gathering =
            Gathering::new(self.settings.benign, usize::try_from(all).unwrap_or(usize::MAX), reference, true);
        // They are gone through again.
        self.medians = GroupMedians::default();
        for learned in &steps {
            let scored = self.scored(learned.step, &learned.rows, facts, None);
            let in_groups = self.in_groups(facts);
            hand_out(learned.step, &learned.rows, &scored, facts, in_groups, &mut |rows| {
                gathering.learn(rows)
            });
        }
        let entries = gathering.begin();
        let places: BTreeMap<u64, &Row> = steps
            .iter()
            .flat_map(|learned| learned.rows.iter().map(|(row, number)| (*number, row)))
            .collect();
        for entry in &entries {
            if let Some(row) = places.get(&entry.rollout.row) {
                self.waiting.push(waiting(*entry, row, None));
            }
        }
        self.keep.end_reference(&entries);
        if gathering.may_be_paid() {
            let mut passes = Passes::new(gathering.above());
            for learned in &steps {
                passes.see(&of_step(learned.step, &learned.rows, facts, true).rows());
            }
            self.passes = Some(passes);
        }
        self.stage = Stage::Later(Box::new(gathering));
        self.look(!entries.is_empty());
    }

    fn judge(&mut self, step: u64, rows: &[(Row, u64)], facts: &Facts) -> Seen {
        let value = match &self.stage {
            Stage::Later(gathering) => gathering.one_value(),
            Stage::Reference(_) => None,
        };
        let scored = self.scored(step, rows, facts, value);
        let in_groups = self.in_groups(facts) && value.is_none();
        let groups = self.groups(rows, facts);
        let Stage::Later(gathering) = &mut self.stage else {
            return Seen {
                step,
                rollouts: 0,
                reference: true,
                share: 0.0,
                wanted: Vec::new(),
                notes: Vec::new(),
            };
        };
        let mut entries = Vec::new();
        hand_out(step, rows, &scored, facts, in_groups, &mut |rows| entries = gathering.judge(rows));
        let mut jumped = Vec::new();
        if let Some(passes) = &mut self.passes {
            if let (false, Some(above), Some(value)) = (passes.divides(), gathering.above(), value) {
                passes.divide(above, value > above);
            }
            let of_step = of_step(step, rows, facts, false);
            passes.see(&of_step.rows());
            let standing = self.of_jumps.iter().filter(|(prompt, _)| passes.has_jumped(*prompt)).count();
            jumped = first_of(passes.jumped(of_step.rows().prompts, JUMPS.saturating_sub(standing)), rows);
        }
        let paid = gathering.above().filter(|_| self.passes.is_some());
        let is_jump = |number: u64| jumped.iter().any(|(at, _)| rows.get(*at).is_some_and(|r| r.1 == number));
        for entry in entries.iter().filter(|entry| !is_jump(entry.rollout.row)) {
            if let Some((row, _)) = rows.iter().find(|(_, number)| *number == entry.rollout.row) {
                self.waiting.push(waiting(*entry, row, None));
            }
        }
        let mut texts = self.keep.of_step(&scored, &groups, &entries, paid);
        for (at, jump) in jumped {
            let (Some((row, number)), Some(rollout)) = (rows.get(at), scored.get(at)) else { continue };
            let rollout = Scored { centre: rollout.reward, ..*rollout };
            let of = jump.after as u64;
            let entry = Entry { rollout, rank: 1, of, expected_benign: 0.0, reference: false };
            self.waiting.push(waiting(entry, row, Some(jump)));
            texts.push((*number, at));
        }
        let wanted = self.wanted(rows, &scored, texts, facts);
        self.look(!entries.is_empty());
        let reached = self
            .apart
            .as_ref()
            .map_or(0, |apart| rows.iter().filter(|(row, _)| row.reward >= apart.rewards.0).count());
        let share = reached as f64 / rows.len().max(1) as f64;
        Seen { step, rollouts: rows.len(), reference: false, share, wanted, notes: Vec::new() }
    }

    /// The rollouts of a step with what each is compared with.
    fn scored(&mut self, step: u64, rows: &[(Row, u64)], facts: &Facts, value: Option<f64>) -> Vec<Scored> {
        let rewards: Vec<f64> = rows.iter().map(|(row, _)| row.reward).collect();
        let groups: Vec<u64> =
            if facts.groups { rows.iter().map(|(row, _)| row.group).collect() } else { Vec::new() };
        let centre = *self.centre.get_or_insert_with(|| Centre::of(&groups));
        let centres = match value {
            Some(value) => vec![value; rows.len()],
            None => centre.centres(&groups, &rewards, &mut self.medians),
        };
        (rows.iter().zip(centres))
            .map(|((row, number), centre)| Scored {
                row: *number,
                step,
                reward: row.reward,
                centre,
                outcome: row.outcome,
            })
            .collect()
    }

    /// The rollouts of a step whose texts are to be told: `kept`, and those in which text is looked for that came since.
    fn wanted(
        &mut self,
        rows: &[(Row, u64)],
        scored: &[Scored],
        mut kept: Vec<(u64, usize)>,
        facts: &Facts,
    ) -> Vec<Wanted> {
        self.asked.extend(kept.iter().map(|(number, _)| *number));
        let prompts: Vec<u64> = rows.iter().filter(|_| facts.prompts).map(|(row, _)| row.prompt).collect();
        let reference = self.is_learning().then_some(self.settings.reference());
        let since = self.since.see(rows, scored, &prompts, reference);
        let groups: Vec<u64> = rows.iter().filter(|_| facts.groups).map(|(row, _)| row.group).collect();
        // Where rewards are paid or not, texts are sought among those that are paid alone.
        let spread = match self.is_learning() || self.passes.is_some() {
            true => Vec::new(),
            false => self.spread.see(scored, &groups, &prompts),
        };
        let mut known: HashSet<u64> = kept.iter().map(|(number, _)| *number).collect();
        kept.extend(since.into_iter().chain(spread).filter(|(number, _)| known.insert(*number)));
        wanted(rows, kept)
    }

    /// The groups of these rollouts, where they are compared with them.
    fn groups(&self, rows: &[(Row, u64)], facts: &Facts) -> Vec<u64> {
        rows.iter().filter(|_| self.in_groups(facts)).map(|(row, _)| row.group).collect()
    }

    /// Whether rollouts are compared with their groups.
    fn in_groups(&self, facts: &Facts) -> bool {
        facts.groups && self.centre == Some(Centre::Group)
    }

    /// Looks whether something stands apart, after entries: the jth look with an error of 2% / j(j + 1).
    fn look(&mut self, entered: bool) {
        let Stage::Later(gathering) = &self.stage else { return };
        if !entered || self.passes.is_some() && !gathering.has_two_levels() {
            return;
        }
        self.looks += 1;
        let level = LEVEL / f64::from(self.looks) / f64::from(self.looks + 1);
        if let Some(apart) = gathering.apart().filter(|apart| apart.p_value <= level) {
            self.apart = Some(apart);
        }
    }

    /// Texts of rollouts that were wanted, by their numbers.
    pub fn tell(&mut self, texts: impl IntoIterator<Item = (u64, RowText)>) {
        for (number, text) in texts {
            self.since.tell(number, &text);
            self.spread.tell(number, &text);
            if self.asked.remove(&number) {
                self.keep.tell(number, text);
            }
        }
    }

    /// How many entries were taken.
    pub(super) fn taken(&self) -> usize {
        self.list.len() + self.of_jumps.len()
    }

    /// The entries since the last call, with their texts.
    pub fn take(&mut self, facts: &Facts) -> Vec<ListEntry> {
        let noun = self.noun();
        let waiting = std::mem::take(&mut self.waiting);
        let entered = !waiting.is_empty();
        let mut entries = Vec::with_capacity(waiting.len());
        for Waiting { entry, file, row, line, jump } in waiting {
            let texts = self.keep.text(entry.rollout.row).cloned().unwrap_or_default();
            let path = facts.files.get(file).cloned().unwrap_or_default();
            let origin = Origin { file, row, line };
            let own = match &self.stage {
                Stage::Later(gathering) => whose(&entry.rollout, noun, gathering.levels()),
                Stage::Reference(_) => noun,
            };
            let mut listed = list_entry(&entry, path, origin, own, self.apart.as_ref(), texts);
            match jump {
                Some((prompt, jump)) => {
                    (listed.apart, listed.reason) = (true, format!("passes: {}", jump.said()));
                    self.of_jumps.push((prompt, listed.clone()));
                }
                None => self.list.push(listed.clone()),
            }
            entries.push(listed);
        }
        if entered && !self.is_learning() {
            self.keep.let_go();
        }
        entries
    }

    pub(super) fn noun(&self) -> &'static str {
        match (&self.stage, self.centre) {
            (Stage::Later(gathering), _) if gathering.one_value().is_some() => {
                "the one value of the reference"
            }
            (_, Some(Centre::Group)) => OF_GROUP,
            _ => OF_STEP,
        }
    }
}
