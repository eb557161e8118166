//! A watched log whose rollouts come from files that grow.

use super::keep::short;
use super::rows::{Facts, Row, Seen, Wanted, WatchSettings};
use super::step::Watch;
use crate::monitor::reading::{ListEntry, Reading, RowText, of_means, texts};
use crate::record::{self, Follower, LeftOut, LogOptions, Observed, Progress, Turn};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::PathBuf;

/// Rollouts of a step that is not complete beyond which their texts are not kept until it is.
const TEXTS: usize = 1 << 14;

/// A rollout of a step that is not complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pending {
    row: Row,
    text: Option<RowText>,
}

/// What is kept from one run of the program to the next.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    pub watch: Watch,
    pub facts: Facts,
    /// Rollouts of steps that are not complete.
    pending: BTreeMap<u64, Vec<Pending>>,
    /// Notes that were given.
    notes: Vec<String>,
}

/// A log that is watched in its files.
#[derive(Debug)]
pub struct Watching {
    pub(super) state: State,
    pub(super) follower: Follower,
    /// Rows that are means, of a log that holds nothing else.
    means: Option<Reading>,
}

/// What a turn brought.
#[derive(Debug, Default)]
pub struct Turned {
    /// The steps that were judged, in their order.
    pub steps: Vec<Seen>,
    /// The rollouts to read.
    pub entries: Vec<ListEntry>,
    /// What a reader should know, each once.
    pub notes: Vec<String>,
    /// Rollouts that were read.
    pub rollouts: usize,
    /// Whether more is there already.
    pub more: bool,
}

/// What there is of a step.
#[derive(Debug, Default)]
struct OfStep {
    /// Rollouts that wait for the others.
    pending: Vec<Pending>,
    /// Rows of this turn's log.
    new: Vec<Range<usize>>,
}

/// A rollout of this turn: read now, with its row in the turn's log, or before.
struct Came {
    row: Row,
    of_turn: Option<usize>,
    text: Option<RowText>,
}

impl State {
    pub fn new(settings: WatchSettings) -> Self {
        Self {
            watch: Watch::new(settings),
            facts: Facts::default(),
            pending: BTreeMap::new(),
            notes: Vec::new(),
        }
    }
}

impl Watching {
    /// Watches what `paths` stand for, from the beginning.
    pub fn new(paths: Vec<PathBuf>, options: LogOptions, settings: WatchSettings) -> Self {
        Self::of(State::new(settings), Progress::default(), paths, options)
    }

    /// Watches from where `state` ended.
    pub(super) fn of(state: State, progress: Progress, paths: Vec<PathBuf>, options: LogOptions) -> Self {
        let follower = Follower::new(paths, options, progress);
        Self { state, follower, means: None }
    }

    /// The list so far.
    pub fn watch(&self) -> &Watch {
        &self.state.watch
    }

    /// Reads what came. A step is judged when a later one has begun, when its files are complete, or when a turn brought nothing more
    /// of it; `last`: in any case, for nothing more will come.
    ///
    /// # Errors
    /// As [`open_log`](crate::record::open_log).
    pub fn turn(&mut self, last: bool) -> Result<Turned, record::Error> {
        let turn = self.follower.turn(last)?;
        let mut turned = Turned::default();
        for LeftOut { path, reason } in self.follower.left_out() {
            let note = format!("{}: {reason}", path.display());
            self.state.facts.files_left_out.push(note.clone());
            turned.notes.push(note);
        }
        let mut steps: BTreeMap<u64, OfStep> = BTreeMap::new();
        for (step, pending) in std::mem::take(&mut self.state.pending) {
            steps.insert(step, OfStep { pending, new: Vec::new() });
        }
        if let Some(turn) = &turn {
            turned.more = turn.more.is_some();
            turned.rollouts = turn.log.rollouts.len();
            self.learn(turn, &mut turned);
            if turn.log.meta.aggregate {
                self.means = Some(of_means(&turn.log.meta));
                return Ok(turned);
            }
            for span in turn.log.rollouts.spans() {
                steps.entry(span.step).or_default().new.push(span.rows.clone());
            }
        }
        let more = turn.as_ref().and_then(|turn| turn.more);
        let newest = steps.keys().next_back().copied();
        let mut wanted: Vec<(u64, Came)> = Vec::new();
        // One step at a time: a turn may hold many.
        for (step, of_step) in steps {
            let (came, complete) = of_step.came(turn.as_ref())?;
            let is_over = match more {
                // What was not read may hold rollouts of it.
                Some(from) => step < from && Some(step) < newest,
                None => last || Some(step) < newest || complete,
            };
            if !is_over {
                self.wait(step, came, turn.as_ref())?;
                continue;
            }
            if self.state.watch.last_step().is_some_and(|before| step <= before) {
                self.note(
                    &mut turned,
                    format!(
                        "rollouts of step {step} came after it was judged: they are ranked by themselves"
                    ),
                );
            }
            let rows: Vec<Row> = came.iter().map(|came| came.row.clone()).collect();
            let seen = self.state.watch.see(step, rows, &self.state.facts);
            let numbers: HashMap<(usize, usize), u64> =
                seen.wanted.iter().map(|Wanted { number, row }| ((row.file, row.row), *number)).collect();
            wanted.extend(came.into_iter().filter_map(|came| {
                let number = numbers.get(&(came.row.file, came.row.row))?;
                Some((*number, came))
            }));
            turned.steps.push(seen);
        }
        self.tell(wanted, turn.as_ref())?;
        turned.entries = self.state.watch.take(&self.state.facts);
        Ok(turned)
    }

    /// What the log of a turn says of itself.
    fn learn(&mut self, turn: &Turn, turned: &mut Turned) {
        let (meta, facts) = (&turn.log.meta, &mut self.state.facts);
        facts.reward = meta.reward.to_string();
        facts.step = meta.step.to_string();
        facts.group = meta.group.to_string();
        facts.prompts |= meta.roles.prompt.is_some();
        facts.groups |= meta.roles.prompt.is_some() || meta.roles.group.is_some();
        facts.rows_left_out += meta.empty;
        facts.duplicates += meta.repeated;
        for (number, path) in turn.numbers.iter().zip(&meta.files) {
            if facts.files.len() <= *number {
                facts.files.resize(number + 1, PathBuf::new());
            }
            if let Some(place) = facts.files.get_mut(*number) {
                *place = path.clone();
            }
        }
        for note in &meta.notes {
            self.note(turned, note.clone());
        }
    }

    /// Notes that differ in their numbers alone are given once.
    fn note(&mut self, turned: &mut Turned, note: String) {
        let kind: String = note.chars().filter(|c| !c.is_ascii_digit()).collect();
        if !self.state.notes.contains(&kind) {
            self.state.notes.push(kind);
            turned.notes.push(note);
        }
    }

    /// Keeps the rollouts of a step that is not complete.
    fn wait(&mut self, step: u64, came: Vec<Came>, turn: Option<&Turn>) -> Result<(), record::Error> {
        let new: Vec<usize> = came.iter().filter_map(|came| came.of_turn).collect();
        let mut found: HashMap<usize, RowText> = HashMap::new();
        if let Some(turn) = turn.filter(|_| came.len() <= TEXTS) {
            found = new.iter().copied().zip(texts(&turn.log, &new)?).collect();
        }
        let pending = came.into_iter().map(|Came { row, of_turn, text }| {
            let text = text.or_else(|| found.remove(&of_turn?).map(short));
            Pending { row, text }
        });
        self.state.pending.insert(step, pending.collect());
        Ok(())
    }

    /// Hands the texts out that are wanted.
    fn tell(&mut self, wanted: Vec<(u64, Came)>, turn: Option<&Turn>) -> Result<(), record::Error> {
        let of_turn: Vec<(u64, usize)> =
            wanted.iter().filter_map(|(number, came)| Some((*number, came.of_turn?))).collect();
        if let Some(Turn { log, .. }) = turn {
            let rows: Vec<usize> = of_turn.iter().map(|(_, row)| *row).collect();
            let found = texts(log, &rows)?;
            self.state.watch.tell(of_turn.iter().map(|(number, _)| *number).zip(found));
        }
        self.state.watch.tell(wanted.into_iter().filter_map(|(number, came)| Some((number, came.text?))));
        Ok(())
    }

    /// The verdict on all that was judged.
    pub fn reading(&self) -> Reading {
        match &self.means {
            Some(means) => means.clone(),
            None => self.state.watch.reading(&self.state.facts),
        }
    }
}

impl OfStep {
    /// Its rollouts, and whether it is complete for all that its files say: so is one of which nothing came.
    fn came(self, turn: Option<&Turn>) -> Result<(Vec<Came>, bool), record::Error> {
        let pending = self.pending.into_iter().map(|Pending { row, text }| Came { row, of_turn: None, text });
        let (mut came, mut complete): (Vec<Came>, bool) = (pending.collect(), true);
        let Some(turn) = turn else { return Ok((came, complete)) };
        for rows in self.new {
            let observed = turn.log.rollouts.rows(rows.clone())?;
            for (at, row) in rows.enumerate() {
                let origin = turn.log.rollouts.origin(row)?;
                complete &= turn.complete.get(origin.file).copied().unwrap_or_default();
                let number = turn.numbers.get(origin.file).copied().unwrap_or_default();
                if let Some(row_of) = of(&observed, at, number, origin) {
                    came.push(Came { row: row_of, of_turn: Some(row), text: None });
                }
            }
        }
        Ok((came, complete))
    }
}

fn of(observed: &Observed, at: usize, file: usize, origin: record::Origin) -> Option<Row> {
    Some(Row {
        reward: *observed.proxy.get(at)?,
        group: observed.group.get(at).copied().unwrap_or_default(),
        prompt: observed.prompt.get(at).copied().unwrap_or_default(),
        outcome: *observed.outcome.get(at)?,
        file,
        row: origin.row,
        line: origin.line,
    })
}
