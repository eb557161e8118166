//! Opens a reward log: which files, which columns, and every row as a rollout.

use super::build::{Building, Plan};
use super::cell::{Column, Kind};
use super::error::Error;
use super::files::{columns, log_files, scan};
use super::log::{InMemory, Log};
use super::options::LogOptions;
use super::roles::{RewardSpec, Roles, StepMeans, guess_reward, may_be_aggregate, missing};
use super::rollouts::Rollouts;
use crate::record::columns::{DISAGREEMENT, GRADIENT_NORM};
use std::path::{Path, PathBuf};

/// Reads the files that `paths` stand for (see [`log_files`]) as rollouts in memory; otherwise as [`open_log`].
///
/// # Errors
/// As [`open_log`].
pub fn read_log(paths: &[PathBuf], options: &LogOptions) -> Result<Log<InMemory>, Error> {
    let Log { rollouts, meta } = open_log(paths, options)?;
    Ok(Log { rollouts: rollouts.into_memory()?, meta })
}

/// Reads the files that `paths` stand for (see [`log_files`]) as rollouts, in bounded memory.
///
/// `options.reward` names the reward's columns; without it their usual names are tried (see [`Roles`]). Steps come from
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
pub fn open_log(paths: &[PathBuf], options: &LogOptions) -> Result<Log<Rollouts>, Error> {
    let files = log_files(paths)?;
    let mut reward = options.reward.clone();
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
            names = feature_names(&file, &present, &options.features)?;
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
                building.note(format!("{}: left out, the file is empty: {what}", path.display()));
            }
            result => result?,
        }
    }
    if building.is_empty() && !reward.terms().is_empty() {
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
