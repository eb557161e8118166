//! A watched log whose rollouts come from files that grow.

use super::came::{Came, Held, OfStep, Pending, pending};
use super::rows::{Facts, Row, Seen, Wanted, WatchSettings};
use super::step::Watch;
use crate::foundation::format::count;
use crate::monitor::reading::{ListEntry, Reading, Verdict, of_means, texts};
use crate::record::{self, Follower, LeftOut, LogOptions, Progress, Turn};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

/// What is kept from one run of the program to the next.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    pub watch: Watch,
    pub facts: Facts,
    /// Rollouts of steps that are not complete.
    pending: BTreeMap<u64, Vec<Pending>>,
    /// Rollouts of steps that may turn out to have been there before.
    held: Vec<Held<Pending>>,
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
    /// How many there were before them.
    pub before: usize,
    /// What a reader should know, each once.
    pub notes: Vec<String>,
    /// Rollouts that were read.
    pub rollouts: usize,
    /// Whether more is there already.
    pub more: bool,
}

/// What a turn has judged so far.
struct Judging {
    turned: Turned,
    held: Vec<Held<Came>>,
    /// Rollouts whose texts are wanted.
    wanted: Vec<(u64, Came)>,
}

impl State {
    pub fn new(settings: WatchSettings) -> Self {
        Self {
            watch: Watch::new(settings, true),
            facts: Facts::default(),
            pending: BTreeMap::new(),
            held: Vec::new(),
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
        for note in self.follower.notes().into_iter().chain(self.mostly_left_out()) {
            self.note(&mut turned, note);
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
        let held =
            std::mem::take(&mut self.state.held).into_iter().map(|held| held.map(Came::from)).collect();
        let mut judging = Judging { turned, held, wanted: Vec::new() };
        // One step at a time: a turn may hold many.
        for (step, of_step) in steps {
            let late = self.state.watch.last_step().is_some_and(|before| step <= before);
            let goes_on = late && !last && of_step.goes_on(step, turn.as_ref());
            let (came, complete) = of_step.came(turn.as_ref())?;
            let is_over = match more {
                // What was not read may hold rollouts of it.
                Some(from) => step < from && Some(step) < newest,
                None => last || Some(step) < newest || complete,
            };
            match is_over && !goes_on {
                true => self.judge(step, late, came, &mut judging),
                false => self.wait(step, came, turn.as_ref())?,
            }
        }
        if (last || turn.is_none()) && self.state.watch.recurrences.wait() {
            self.state.watch.recurrences.give_up();
            self.count(&mut judging);
        }
        let Judging { mut turned, held, wanted } = judging;
        for Held { step, late, rollouts } in held {
            let (numbers, came): (Vec<usize>, Vec<Came>) = rollouts.into_iter().unzip();
            let pending = pending(came, turn.as_ref())?;
            let rollouts = numbers.into_iter().zip(pending).collect();
            self.state.held.push(Held { step, late, rollouts });
        }
        self.tell(wanted, turn.as_ref())?;
        turned.before = self.state.watch.taken();
        turned.entries = self.state.watch.take(&self.state.facts);
        Ok(turned)
    }

    /// Judges a step, or holds it while its rollouts may turn out to have been there before.
    fn judge(&mut self, step: u64, late: bool, came: Vec<Came>, judging: &mut Judging) {
        let rows: Vec<Row> = came.iter().map(|came| came.row.clone()).collect();
        let first = self.state.watch.recurrences.seen();
        let found = self.state.watch.recognise(step, &rows, &self.state.facts);
        judging.held.push(Held { step, late, rollouts: (first..).zip(came).collect() });
        if let Some(recurrence) = found.first() {
            self.note_of("counted once", &mut judging.turned, recurrence.said(&self.state.facts.files));
        }
        let gone: HashSet<usize> = found.iter().flat_map(|found| found.rollouts().to_vec()).collect();
        for held in judging.held.iter_mut().filter(|_| !gone.is_empty()) {
            held.rollouts.retain(|(number, _)| !gone.contains(number));
        }
        if !self.state.watch.recurrences.wait() {
            self.count(judging);
        }
    }

    /// Counts what was held.
    fn count(&mut self, judging: &mut Judging) {
        for Held { step, late, rollouts } in std::mem::take(&mut judging.held) {
            if late && rollouts.is_empty() {
                continue;
            }
            if late {
                let note = format!(
                    "rollouts of step {step} came after it was judged: they are ranked by themselves"
                );
                self.note(&mut judging.turned, note);
            }
            let rows = rollouts.iter().map(|(_, came)| came.row.clone()).collect();
            let seen = self.state.watch.count(step, rows, &self.state.facts);
            let numbers: HashMap<(usize, usize), u64> =
                seen.wanted.iter().map(|Wanted { number, row }| ((row.file, row.row), *number)).collect();
            judging.wanted.extend(rollouts.into_iter().filter_map(|(_, came)| {
                let number = numbers.get(&(came.row.file, came.row.row))?;
                Some((*number, came))
            }));
            judging.turned.steps.push(seen);
        }
    }

    /// What the log of a turn says of itself.
    fn learn(&mut self, turn: &Turn, turned: &mut Turned) {
        let (meta, facts) = (&turn.log.meta, &mut self.state.facts);
        facts.reward = meta.reward.to_string();
        facts.step = meta.step.to_string();
        facts.group = meta.group.to_string();
        facts.texts = meta.texts.clone();
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
        self.note_of(&kind, turned, note);
    }

    /// A note of a kind is given once.
    fn note_of(&mut self, kind: &str, turned: &mut Turned, note: String) {
        if !self.state.notes.iter().any(|known| known == kind) {
            self.state.notes.push(kind.to_owned());
            turned.notes.push(note);
        }
    }

    /// Keeps the rollouts of a step that is not complete.
    fn wait(&mut self, step: u64, came: Vec<Came>, turn: Option<&Turn>) -> Result<(), record::Error> {
        self.state.pending.insert(step, pending(came, turn)?);
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

    /// What is said where most of what came was left out.
    fn mostly_left_out(&self) -> Option<String> {
        const SHOWN: usize = 3;
        let (left_out, read) = self.follower.mostly_left_out()?;
        let facts = &self.state.facts;
        let names: Vec<String> =
            facts.files.iter().take(SHOWN).map(|path| format!("`{}`", path.display())).collect();
        let more = if facts.files.len() > SHOWN { " …" } else { "" };
        Some(format!(
            "{} rows were left out and {} read: their files lack `{}`, which {}{more} had. Name the reward's column with --reward and \
             another --state, or watch the files of rollouts alone",
            count(left_out),
            count(read),
            facts.reward,
            names.join(", ")
        ))
    }

    /// The verdict on all that was judged.
    pub fn reading(&self) -> Reading {
        if let Some(means) = &self.means {
            return means.clone();
        }
        let mut reading = self.state.watch.reading(&self.state.facts);
        let judgement = &mut reading.judgement;
        if let Some(why) = self.mostly_left_out().filter(|_| judgement.verdict != Verdict::Flagged) {
            judgement.verdict = Verdict::NotJudged;
            judgement.sentence = format!("{why}. Of those that were read: {}", judgement.sentence);
        }
        reading
    }
}
