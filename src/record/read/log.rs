//! A reward log as rollouts: every file's rows as numbers, and where each row came from.

use super::cell::{Column, Kind, Repeated, Row, characters, text_hash_of, words_hash};
use super::error::{Error, Place};
use super::files::{columns, log_files, scan};
use super::roles::{RewardSpec, Roles, StepMeans, guess_reward, may_be_aggregate, missing};
use super::rollouts::{IN_MEMORY, Layout, Rollouts, Shared, Writer};
use crate::record::columns::{DISAGREEMENT, GRADIENT_NORM, Observed};
use std::path::{Path, PathBuf};

/// Stretches of rows of one step, run and file beyond which a reader is told what their order costs.
const MANY_STRETCHES: usize = 1 << 20;

/// Where a rollout was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Index into [`Log::files`].
    pub file: usize,
    /// Row of data in that file, from 0, not counting a header.
    pub row: usize,
}

/// A log in memory, in step order.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// The rollouts. `trajectory` counts them in the order of this log.
    pub observed: Observed,
    /// Where each was read.
    pub origin: Vec<Origin>,
    /// The files, in the order in which they were read.
    pub files: Vec<PathBuf>,
    /// What the reward was made of.
    pub reward: RewardSpec,
    /// Which columns of the first file had which role.
    pub roles: Roles,
    /// Rows read.
    pub rows: usize,
    /// Rows without a reward; they are left out.
    pub empty: usize,
    /// Number of distinct runs where the log names them, else 1.
    pub runs: usize,
    /// Whether each row is a mean over a training step (the rule: [`ColumnData`](super::ColumnData)).
    pub aggregate: bool,
    /// What a reader of the result should know: columns that were left out, and why.
    pub notes: Vec<String>,
}

/// A log whose rollouts need not fit into memory; otherwise as [`Log`].
#[derive(Debug)]
pub struct OpenLog {
    /// The rollouts, in step order.
    pub rollouts: Rollouts,
    /// The files, in the order in which they were read.
    pub files: Vec<PathBuf>,
    /// What the reward was made of.
    pub reward: RewardSpec,
    /// Which columns of the first file had which role.
    pub roles: Roles,
    /// Rows read.
    pub rows: usize,
    /// Rows without a reward; they are left out.
    pub empty: usize,
    /// Number of distinct runs where the log names them, else 1.
    pub runs: usize,
    /// Whether each row is a mean over a training step.
    pub aggregate: bool,
    /// What a reader of the result should know.
    pub notes: Vec<String>,
}

/// Reads the files that `paths` stand for (see [`log_files`]) as rollouts in memory; otherwise as [`open_log`].
///
/// # Errors
/// As [`open_log`].
pub fn read_log(paths: &[PathBuf], reward: Option<&RewardSpec>) -> Result<Log, Error> {
    let OpenLog { rollouts, files, reward, roles, rows, empty, runs, aggregate, notes } =
        open_log(paths, reward, &[])?;
    let (observed, origin) = rollouts.into_memory()?;
    Ok(Log { observed, origin, files, reward, roles, rows, empty, runs, aggregate, notes })
}

/// Reads the files that `paths` stand for (see [`log_files`]) as rollouts, in bounded memory.
///
/// `reward` names the reward's columns; without it their usual names are tried (see [`Roles`]). Steps come from
/// their column, else from the order of the files. `prompt` is a hash of the prompt (a whole number stands for
/// itself), `group` the prompt within run and step, `length` a column or the characters of the completion. `features`
/// names further columns, a `*` at the end standing for any ending among the numeric columns of the first file; those
/// named `disagreement` and `gradient_norm` are read in any case. An optional column that is not a finite number in
/// every row is left out, with a note. A reward that is NaN counts as empty, as in trainers' sums, with a note; so does a
/// file without rows among others.
///
/// Memory: about 40 bytes for each change of step, run or file from one row to the next; the numbers of the rows stay in
/// memory up to 32 MiB and go to a temporary file beyond.
///
/// # Errors
/// Everything that [`Error`] lists, with place and remedy; ±∞ among the rewards is refused.
pub fn open_log(
    paths: &[PathBuf],
    reward: Option<&RewardSpec>,
    features: &[String],
) -> Result<OpenLog, Error> {
    let files = log_files(paths)?;
    let mut reward = reward.cloned();
    let mut plans: Vec<Plan> = Vec::with_capacity(files.len());
    let mut names = Vec::new();
    let mut notes = Vec::new();
    let mut read = Vec::with_capacity(files.len());
    let several = files.len() > 1;
    for file in files {
        let present = match columns(&file) {
            Err(Error::Empty { path, what }) if several => {
                notes.push(format!("{}: left out, the file is empty: {what}", path.display()));
                continue;
            }
            present => present?,
        };
        let spec = match &reward {
            Some(spec) => spec.clone(),
            None => match guess_reward(&file, &present) {
                Ok(spec) => spec,
                Err(error) => match step_means_only(&file, &present)? {
                    true => RewardSpec::Weighted(Vec::new()),
                    false => return Err(error),
                },
            },
        };
        if read.is_empty() {
            names = feature_names(&file, &present, features)?;
        }
        let roles = Roles::of(&present, &spec);
        let lacking = spec.terms().into_iter().map(|(name, _)| name).filter(|name| !answered(&present, name));
        plans.push(Plan {
            roles,
            may_be_aggregate: may_be_aggregate(&present).is_some(),
            missing: lacking.map(|name| (name.to_owned(), missing(&file, &present, name))).collect(),
            features: names.iter().map(|name| answered(&present, name)).collect(),
        });
        reward = Some(spec);
        read.push(file);
    }
    let files = read;
    let (Some(reward), Some(roles)) = (reward, plans.first().map(|plan| plan.roles.clone())) else {
        let path = paths.first().cloned().unwrap_or_default();
        return Err(Error::Empty { path, what: "none of the files holds a row" });
    };
    let mut building = Building::new(&plans, &reward, names, notes);
    for (number, (file, plan)) in files.iter().zip(plans).enumerate() {
        match building.file(number, file, plan, &reward) {
            Err(Error::Empty { path, what }) if several => {
                building.notes.push(format!("{}: left out, the file is empty: {what}", path.display()));
            }
            result => result?,
        }
    }
    if building.writer.rows() == 0 && !reward.terms().is_empty() {
        let path = files.first().cloned().unwrap_or_default();
        return Err(Error::NoValues { path, column: reward.to_string() });
    }
    building.finish(files, reward, roles)
}

fn answered(present: &[Column], name: &str) -> bool {
    present.iter().any(|column| column.answers(name))
}

/// The feature columns that are asked for, each once, and those that are always read.
fn feature_names(path: &Path, present: &[Column], asked: &[String]) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    };
    for pattern in asked {
        match pattern.strip_suffix('*') {
            Some(start) => {
                let fits = |c: &&Column| c.kind == Kind::Number && c.name.starts_with(start);
                let mut found = present.iter().filter(fits).peekable();
                if found.peek().is_none() {
                    return Err(missing(path, present, pattern));
                }
                found.for_each(|column| add(&column.name));
            }
            None if answered(present, pattern) => add(pattern),
            None => return Err(missing(path, present, pattern)),
        }
    }
    for name in [DISAGREEMENT, GRADIENT_NORM] {
        if present.iter().any(|c| c.kind == Kind::Number && c.name == name) {
            add(name);
        }
    }
    Ok(names)
}

/// What is known of a file before its rows are read.
struct Plan {
    roles: Roles,
    may_be_aggregate: bool,
    /// Columns of the reward that the first rows lack, and the error if all rows do.
    missing: Vec<(String, Error)>,
    /// Whether each feature is there.
    features: Vec<bool>,
}

/// Whether a file without a clear reward column holds step means, so that there is no reward to look for.
fn step_means_only(path: &Path, present: &[Column]) -> Result<bool, Error> {
    let Some((step, run)) = may_be_aggregate(present) else { return Ok(false) };
    let mut wanted = vec![step.as_str()];
    wanted.extend(run.as_deref());
    let mut means = StepMeans::default();
    scan(path, &wanted, &mut |row| {
        means.see(run.as_ref().map_or(0, |_| row.identity(1)), row.step(0, &step)?);
        Ok(())
    })?;
    Ok(means.holds())
}

/// A column that may have to be given up on the way.
struct Optional {
    /// Its place among the words of a row.
    at: usize,
    seen: usize,
    lost: bool,
}

impl Optional {
    fn put(&mut self, words: &mut [u64], value: f64) {
        if let Some(word) = words.get_mut(self.at) {
            *word = value.to_bits();
            self.seen += 1;
        }
    }

    fn read(
        &mut self,
        words: &mut [u64],
        row: &Row<'_>,
        column: Option<(usize, &str)>,
        notes: &mut Vec<String>,
    ) {
        if self.lost {
            return;
        }
        let reason = match column {
            None if self.seen == 0 => None,
            None => Some(format!("{}: no such column as in the files before", row.place())),
            Some((index, name)) => match row.finite(index, name) {
                Ok(Some(value)) => return self.put(words, value),
                Ok(None) => Some(format!("{}, column `{name}`: the cell is empty", row.place())),
                Err(error) => Some(error.to_string()),
            },
        };
        self.lost = true;
        notes.extend(reason.map(|reason| format!("column left out: {reason}")));
    }

    /// Its place, if all rows have it.
    fn complete(&self, rows: usize) -> Option<usize> {
        (!self.lost && self.seen == rows && rows > 0).then_some(self.at)
    }
}

struct Building {
    writer: Writer,
    words: Vec<u64>,
    layout: Layout,
    parts: Vec<Optional>,
    features: Vec<(String, Optional)>,
    advantage: Optional,
    log_prob: Optional,
    ref_log_prob: Optional,
    length: Optional,
    shaped: Optional,
    runs: Vec<u64>,
    empty: usize,
    /// Cells of the reward that are NaN, and the first of them.
    nan: usize,
    first_nan: Option<Place>,
    not_aggregate: bool,
    notes: Vec<String>,
}

/// Names of the cells to read, each with its index.
#[derive(Default)]
struct Wanted<'a>(Vec<&'a str>);

impl<'a> Wanted<'a> {
    fn add(&mut self, name: Option<&'a String>) -> Option<(usize, &'a str)> {
        let name = name?;
        self.0.push(name);
        Some((self.0.len() - 1, name))
    }
}

impl Building {
    fn new(plans: &[Plan], spec: &RewardSpec, names: Vec<String>, notes: Vec<String>) -> Self {
        let mut width = 0;
        let mut next = || {
            width += 1;
            width - 1
        };
        let any = |role: &dyn Fn(&Roles) -> bool| plans.iter().any(|plan| role(&plan.roles));
        let layout = Layout {
            row: next(),
            proxy: next(),
            prompt: any(&|r| r.prompt.is_some()).then(&mut next),
            members: any(&|r| r.group.is_some()).then(&mut next),
            outcome: any(&|r| r.outcome.is_some() || r.completion.is_some()).then(&mut next),
            ..Layout::default()
        };
        // A column that no file has takes no room: its place is beyond the row's words.
        let mut optional = |there: bool| {
            let at = if there { next() } else { usize::MAX };
            Optional { at, seen: 0, lost: !there }
        };
        let length = optional(any(&|r| r.length.is_some() || r.completion.is_some()));
        let log_prob = optional(any(&|r| r.log_prob.is_some()));
        let ref_log_prob = optional(any(&|r| r.ref_log_prob.is_some()));
        let advantage = optional(any(&|r| r.advantage.is_some()));
        let shaped = optional(any(&|r| r.shaped_reward.is_some()));
        let weighted = matches!(spec, RewardSpec::Weighted(_));
        let parts = spec.terms().iter().map(|_| optional(weighted)).collect();
        let features = names.into_iter().map(|name| (name, optional(true))).collect();
        Self {
            writer: Writer::new(width, IN_MEMORY),
            words: vec![0; width],
            layout,
            parts,
            features,
            advantage,
            log_prob,
            ref_log_prob,
            length,
            shaped,
            runs: Vec::new(),
            empty: 0,
            nan: 0,
            first_nan: None,
            not_aggregate: false,
            notes,
        }
    }

    /// Reads one file.
    fn file(&mut self, number: usize, path: &Path, plan: Plan, spec: &RewardSpec) -> Result<(), Error> {
        let (terms, roles) = (spec.terms(), &plan.roles);
        let mut wanted = Wanted(terms.iter().map(|(name, _)| *name).collect());
        let step = wanted.add(roles.step.as_ref());
        let run = wanted.add(roles.run.as_ref());
        let prompt = wanted.add(roles.prompt.as_ref());
        let completion = wanted.add(roles.completion.as_ref());
        let group = wanted.add(roles.group.as_ref());
        let outcome = wanted.add(roles.outcome.as_ref());
        let length = wanted.add(roles.length.as_ref());
        let log_prob = wanted.add(roles.log_prob.as_ref());
        let ref_log_prob = wanted.add(roles.ref_log_prob.as_ref());
        let advantage = wanted.add(roles.advantage.as_ref());
        let shaped = wanted.add(roles.shaped_reward.as_ref());
        let names: Vec<String> = self.features.iter().map(|(name, _)| name.clone()).collect();
        let features: Vec<Option<(usize, &str)>> = names
            .iter()
            .zip(&plan.features)
            .map(|(name, there)| there.then(|| wanted.add(Some(name))).flatten())
            .collect();

        let (mut last_step, mut last_run, mut last_prompt) =
            (Repeated::default(), Repeated::default(), Repeated::default());
        let mut lacks = plan.missing;
        let mut means = StepMeans::default();
        let shared_file = u32::try_from(number).unwrap_or(u32::MAX);
        scan(path, &wanted.0, &mut |row| {
            let mut reward = None;
            for (i, (name, weight)) in terms.iter().enumerate() {
                let value = match row.finite(i, name) {
                    Err(Error::NotFinite { place, value, .. }) if value.is_nan() => {
                        self.first_nan.get_or_insert(place);
                        self.nan += 1;
                        None
                    }
                    other => other?,
                };
                if let Some(value) = value {
                    lacks.retain(|(lacking, _)| lacking != name);
                    reward = Some(reward.unwrap_or(0.0) + weight * value);
                }
            }
            let step = match step {
                Some((i, name)) => last_step.of(row, i, || row.step(i, name))?,
                None => number as u64,
            };
            let run = run.map(|(i, _)| last_run.of(row, i, || Ok(row.identity(i)))).transpose()?;
            means.see(run.unwrap_or(0), step);
            if let Some(run) = run
                && self.runs.last() != Some(&run)
                && !self.runs.contains(&run)
            {
                self.runs.push(run);
            }
            let Some(reward) = reward else {
                self.empty += 1;
                return Ok(());
            };
            if !reward.is_finite() {
                return Err(Error::NotFinite { place: row.place(), column: spec.to_string(), value: reward });
            }
            let Self { words, layout, notes, .. } = self;
            for (i, part) in self.parts.iter_mut().enumerate() {
                // The sum goes on without a part that is missing here: no news.
                part.read(words, row, Some((i, terms[i].0)), &mut Vec::new());
            }
            for ((_, feature), column) in self.features.iter_mut().zip(&features) {
                feature.read(words, row, *column, notes);
            }
            let prompt = match prompt {
                Some((i, _)) => last_prompt.of(row, i, || Ok(row.identity(i)))?,
                None => 0,
            };
            let completion = completion.map(|(i, _)| (row.cell)(i));
            let text = completion.as_ref().and_then(|cell| cell.text());
            match (length, &text) {
                (None, Some(text)) if !self.length.lost => {
                    self.length.put(words, characters(text) as f64);
                }
                _ => self.length.read(words, row, length, notes),
            }
            self.log_prob.read(words, row, log_prob, notes);
            self.ref_log_prob.read(words, row, ref_log_prob, notes);
            self.advantage.read(words, row, advantage, notes);
            self.shaped.read(words, row, shaped, notes);
            let mut put = |at: Option<usize>, value: u64| {
                if let Some(word) = at.and_then(|at| words.get_mut(at)) {
                    *word = value;
                }
            };
            put(Some(layout.row), row.row as u64);
            put(Some(layout.proxy), reward.to_bits());
            put(layout.prompt, prompt);
            put(layout.members, group.map_or(prompt, |(i, _)| row.identity(i)));
            if layout.outcome.is_some() {
                let sampled = match (outcome, &text) {
                    (Some((i, _)), _) => row.identity(i),
                    (None, Some(text)) => text_hash_of(prompt, text),
                    (None, None) => words_hash([number as u64, row.row as u64]),
                };
                put(layout.outcome, sampled);
            }
            let shared = Shared { step, run: run.unwrap_or(0), file: shared_file };
            self.writer.push(shared, &self.words)
        })?;
        self.not_aggregate |= !plan.may_be_aggregate || !means.holds();
        lacks.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    fn finish(self, files: Vec<PathBuf>, reward: RewardSpec, roles: Roles) -> Result<OpenLog, Error> {
        let rows = self.writer.rows();
        let named = |columns: Vec<(String, Optional)>| {
            columns.into_iter().filter_map(|(name, c)| Some((name, c.complete(rows)?))).collect()
        };
        let names = reward.terms().iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
        let layout = Layout {
            length: self.length.complete(rows),
            log_prob: self.log_prob.complete(rows),
            ref_log_prob: self.ref_log_prob.complete(rows),
            advantage: self.advantage.complete(rows),
            reward: self.shaped.complete(rows),
            parts: named(names.into_iter().zip(self.parts).collect()),
            features: named(self.features),
            ..self.layout
        };
        let rollouts = self.writer.finish(layout)?;
        let mut notes = self.notes;
        if let Some(place) = self.first_nan {
            notes.push(format!(
                "the reward is NaN in {} cells, the first at {place}: they count as empty",
                self.nan
            ));
        }
        if rollouts.alternations() > MANY_STRETCHES {
            notes.push(format!(
                "steps, runs or files alternate {} times from row to row: putting them in order takes about {} MB of \
                 memory; sort the log by step to save it",
                rollouts.alternations(),
                rollouts.alternations() / 25_000,
            ));
        }
        Ok(OpenLog {
            rollouts,
            files,
            reward,
            roles,
            rows: rows + self.empty,
            empty: self.empty,
            runs: self.runs.len().max(1),
            aggregate: !self.not_aggregate,
            notes,
        })
    }
}
