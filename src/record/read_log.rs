//! A reward log as rollouts: every file's rows as [`Observed`], and where each row came from.

use super::Observed;
use super::error::Error;
use super::read_cell::{Row, text_hash};
use super::read_files::{columns, log_files, scan};
use super::read_roles::{RewardSpec, Roles, StepMeans, guess_reward, may_be_aggregate, missing};
use crate::foundation::rng::trajectory_hash;
use std::path::{Path, PathBuf};

/// Where a rollout was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Index into [`Log::files`].
    pub file: usize,
    /// Row of data in that file, from 0, not counting a header.
    pub row: usize,
}

/// A log, in step order.
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

/// Reads the files that `paths` stand for (see [`log_files`]) as rollouts.
///
/// `reward` names the reward's columns; without it their usual names are tried (see [`Roles`]). Steps come from
/// their column, else from the order of the files. `prompt` is a hash of the prompt (a whole number stands for
/// itself), `group` the prompt within run and step, `length` a column or the characters of the completion. An
/// optional column that is not a finite number in every row is left out, with a note.
///
/// # Errors
/// Everything that [`Error`] lists, with place and remedy; NaN and ±∞ among the rewards are refused.
pub fn read_log(paths: &[PathBuf], reward: Option<&RewardSpec>) -> Result<Log, Error> {
    let files = log_files(paths)?;
    let mut building = Building::default();
    let mut reward = reward.cloned();
    let mut first_roles = None;
    for (number, file) in files.iter().enumerate() {
        let present = columns(file)?;
        let spec = match &reward {
            Some(spec) => spec.clone(),
            None => match guess_reward(file, &present) {
                Ok(spec) => spec,
                Err(error) => match step_means_only(file, &present)? {
                    true => RewardSpec::Weighted(Vec::new()),
                    false => return Err(error),
                },
            },
        };
        let roles = Roles::of(&present, &spec);
        let seen = building.file(number, file, &roles, &spec, may_be_aggregate(&present).is_some())?;
        for ((name, _), values) in spec.terms().iter().zip(seen) {
            if values == 0 && !present.iter().any(|column| column.answers(name)) {
                return Err(missing(file, &present, name));
            }
        }
        first_roles.get_or_insert(roles);
        reward = Some(spec);
    }
    let (Some(reward), Some(roles)) = (reward, first_roles) else {
        return Err(Error::NoMatch { path: paths.first().cloned().unwrap_or_default() });
    };
    if building.observed.is_empty() && !reward.terms().is_empty() {
        let path = files.first().cloned().unwrap_or_default();
        return Err(Error::NoValues { path, column: reward.to_string() });
    }
    Ok(building.finish(files, reward, roles))
}

/// Whether a file without a clear reward column holds step means, so that there is no reward to look for.
fn step_means_only(path: &Path, present: &[super::read_cell::Column]) -> Result<bool, Error> {
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
#[derive(Default)]
struct Optional {
    values: Vec<f64>,
    lost: bool,
}

impl Optional {
    fn push(&mut self, row: &Row<'_>, column: Option<(usize, &str)>, notes: &mut Vec<String>) {
        if self.lost {
            return;
        }
        let reason = match column {
            None if self.values.is_empty() => None,
            None => Some(format!("{}: no such column as in the files before", row.place())),
            Some((index, name)) => match row.finite(index, name) {
                Ok(Some(value)) => {
                    self.values.push(value);
                    return;
                }
                Ok(None) => Some(format!("{}, column `{name}`: the cell is empty", row.place())),
                Err(error) => Some(error.to_string()),
            },
        };
        self.lost = true;
        self.values = Vec::new();
        notes.extend(reason.map(|reason| format!("column left out: {reason}")));
    }

    fn finish(self, rows: usize) -> Option<Vec<f64>> {
        (!self.lost && self.values.len() == rows && rows > 0).then_some(self.values)
    }
}

#[derive(Default)]
struct Building {
    observed: Observed,
    origin: Vec<Origin>,
    parts: Vec<Optional>,
    advantage: Optional,
    log_prob: Optional,
    ref_log_prob: Optional,
    length: Optional,
    shaped: Optional,
    runs: Vec<u64>,
    empty: usize,
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
    /// Reads one file; returns for each term of the reward how many values there were.
    fn file(
        &mut self,
        number: usize,
        path: &Path,
        roles: &Roles,
        spec: &RewardSpec,
        may_be_aggregate: bool,
    ) -> Result<Vec<usize>, Error> {
        let terms = spec.terms();
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
        self.parts.resize_with(terms.len(), Optional::default);

        let mut seen = vec![0; terms.len()];
        let mut means = StepMeans::default();
        scan(path, &wanted.0, &mut |row| {
            let mut reward = None;
            for (i, (name, weight)) in terms.iter().enumerate() {
                if let Some(value) = row.finite(i, name)? {
                    seen[i] += 1;
                    reward = Some(reward.unwrap_or(0.0) + weight * value);
                }
            }
            let step = step.map_or(Ok(number as u64), |(i, name)| row.step(i, name))?;
            let run = run.map(|(i, _)| row.identity(i));
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
            for (i, part) in self.parts.iter_mut().enumerate() {
                part.push(row, Some((i, terms[i].0)), &mut self.notes);
            }
            let observed = &mut self.observed;
            let prompt = prompt.map_or(0, |(i, _)| row.identity(i));
            let members = group.map_or(prompt, |(i, _)| row.identity(i));
            let text = completion.and_then(|(i, _)| (row.cell)(i).text().map(|text| text.into_owned()));
            let outcome = match (outcome, &text) {
                (Some((i, _)), _) => row.identity(i),
                (None, Some(text)) => trajectory_hash(&[prompt, text_hash(text)]),
                (None, None) => trajectory_hash(&[number as u64, row.row as u64]),
            };
            observed.step.push(step);
            observed.outcome.push(outcome);
            observed.prompt.push(prompt);
            observed.group.push(trajectory_hash(&[run.unwrap_or(0), step, members]));
            observed.proxy.push(reward);
            self.origin.push(Origin { file: number, row: row.row });
            match (length, &text) {
                (None, Some(text)) if !self.length.lost => {
                    self.length.values.push(text.chars().count() as f64);
                }
                _ => self.length.push(row, length, &mut self.notes),
            }
            self.log_prob.push(row, log_prob, &mut self.notes);
            self.ref_log_prob.push(row, ref_log_prob, &mut self.notes);
            self.advantage.push(row, advantage, &mut self.notes);
            self.shaped.push(row, shaped, &mut self.notes);
            Ok(())
        })?;
        self.not_aggregate |= !may_be_aggregate || !means.holds();
        Ok(seen)
    }

    fn finish(self, files: Vec<PathBuf>, reward: RewardSpec, roles: Roles) -> Log {
        let rows = self.origin.len();
        let mut observed = self.observed;
        observed.advantage = self.advantage.finish(rows);
        observed.log_prob = self.log_prob.finish(rows);
        observed.ref_log_prob = self.ref_log_prob.finish(rows);
        observed.length = self.length.finish(rows);
        observed.reward = self.shaped.finish(rows);
        if let RewardSpec::Weighted(terms) = &reward {
            let parts = terms.iter().zip(self.parts);
            observed.parts =
                parts.filter_map(|((name, _), part)| Some((name.clone(), part.finish(rows)?))).collect();
        }
        observed.trajectory = vec![0; rows];
        let mut origin = self.origin;
        if !observed.step.is_sorted() {
            let mut order: Vec<usize> = (0..rows).collect();
            order.sort_by_key(|&i| observed.step[i]);
            observed = observed.select(&order);
            origin = order.iter().map(|&i| origin[i]).collect();
        }
        observed.trajectory = (0..rows as u64).collect();
        Log {
            observed,
            origin,
            files,
            reward,
            roles,
            rows: rows + self.empty,
            empty: self.empty,
            runs: self.runs.len().max(1),
            aggregate: !self.not_aggregate,
            notes: self.notes,
        }
    }
}
