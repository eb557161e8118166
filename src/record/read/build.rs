//! A log's rows turned into words, file by file: rewards summed, texts hashed, columns given up that not all rows have.

use super::cell::{characters, text_hash_of, words_hash};
use super::error::{Error, Place};
use super::files::scan;
use super::layout::{IN_MEMORY, Layout, Shared};
use super::log::{GroupSource, Log, LogMeta, StepSource};
use super::optional::Optional;
use super::roles::{RewardSpec, Roles, StepMeans};
use super::rollouts::Rollouts;
use super::row::Repeated;
use super::writer::Writer;
use std::path::{Path, PathBuf};

/// Stretches of rows of one step, run and file beyond which a reader is told what their order costs.
const MANY_STRETCHES: usize = 1 << 20;

/// What is known of a file before its rows are read.
pub(super) struct Plan {
    pub roles: Roles,
    pub may_be_aggregate: bool,
    /// Columns of the reward that the first rows lack, and the error if all rows do.
    pub missing: Vec<(String, Error)>,
    /// Whether each feature is there.
    pub features: Vec<bool>,
}

/// A log while its files are read, one after the other.
pub(super) struct Building {
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
    pub(super) fn new(plans: &[Plan], spec: &RewardSpec, names: Vec<String>, notes: Vec<String>) -> Self {
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
    pub(super) fn file(
        &mut self,
        number: usize,
        path: &Path,
        plan: Plan,
        spec: &RewardSpec,
    ) -> Result<(), Error> {
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
            self.writer.line(number, row.row, row.line);
            self.writer.push(shared, &self.words)
        })?;
        self.not_aggregate |= !plan.may_be_aggregate || !means.holds();
        lacks.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Whether no row was kept so far.
    pub(super) fn is_empty(&self) -> bool {
        self.writer.rows() == 0
    }

    /// Something that a reader of the result should know.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// The log of all files read.
    pub(super) fn finish(
        self,
        files: Vec<PathBuf>,
        reward: RewardSpec,
        roles: Roles,
    ) -> Result<Log<Rollouts>, Error> {
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
        let step = match (&roles.step, files.len()) {
            (Some(name), _) => StepSource::Column(name.clone()),
            (None, 1) => StepSource::None,
            (None, _) => StepSource::Order,
        };
        let group = match (&roles.group, &roles.prompt) {
            (Some(name), _) => GroupSource::Column(name.clone()),
            (None, Some(name)) => GroupSource::Prompt(name.clone()),
            (None, None) => GroupSource::None,
        };
        let meta = LogMeta {
            files,
            reward,
            roles,
            rows: rows + self.empty,
            empty: self.empty,
            runs: self.runs.len().max(1),
            aggregate: !self.not_aggregate,
            step,
            group,
            left_out: Vec::new(),
            repeated: 0,
            notes,
        };
        Ok(Log { rollouts, meta })
    }
}
