//! Opens a reward log: which files, which columns, and every row as a rollout.

use super::bookkeeping::is_mean;
use super::build::Building;
use super::cell::{Column, Counts, Kind};
use super::choose::{Choice, choose, reason};
use super::error::Error;
use super::files::{Found, found};
use super::guessed::Chosen;
use super::log::{InMemory, LeftOut, Log, StepSource};
use super::means::may_be_means;
use super::names::{
    CLOCK, PERHAPS_STEP, STEP, conversation, episode, epoch, has_outcome, is_step, monitor, of_several,
    ordinal, pick, pick_number, sign_of_rollouts, speaker, turn,
};
use super::no_rollouts::note_of_pairs;
use super::options::LogOptions;
use super::path_step;
use super::plan::{Episodes, Plan, Read, Steps};
use super::present::Present;
use super::roles::{Roles, missing, numeric};
use super::rollouts::Rollouts;
use super::run_column::run_column;
use crate::record::columns::{DISAGREEMENT, GRADIENT_NORM};
use std::path::{Path, PathBuf};

/// Reads the files that `paths` stand for (see [`log_files`](super::log_files)) as rollouts in memory; otherwise as
/// [`open_log`].
///
/// # Errors
/// As [`open_log`].
pub fn read_log(paths: &[PathBuf], options: &LogOptions) -> Result<Log<InMemory>, Error> {
    let Log { rollouts, meta } = open_log(paths, options)?;
    Ok(Log { rollouts: rollouts.into_memory()?, meta })
}

/// Reads the files that `paths` stand for (see [`log_files`](super::log_files)) as rollouts, in bounded memory.
///
/// `options.reward` names the reward's columns; without it their usual names are tried (see [`Roles`]), and a guess that is
/// not the only one is refused. Steps come from their column, else from numbers in the paths, else from the order of the
/// files. `prompt` is a hash of the prompt (a whole number stands for itself), `group` the prompt within run and step, `length`
/// a column or the characters of the completion. Features named `disagreement` and `gradient_norm` are read in any case. An
/// optional column that is not a finite number in every row is left out, with a note. A reward that is NaN counts as empty, as
/// in trainers' sums, with a note. Files of a folder that lack the reward while others have it are left out, an unfinished last
/// line too; rollouts that a log holds more than once are counted once. [`LogMeta`](super::LogMeta) has all of it.
///
/// Memory: about 40 bytes for each change of step, run or file from one row to the next, 24 for each row of a step, and 8 for
/// rollouts of a log of several files (32 MiB at most); the numbers of the rows stay in memory up to 64 MiB and go to a
/// temporary file beyond.
///
/// # Errors
/// Everything that [`Error`] lists, with place and remedy; ±∞ among the rewards is refused.
pub fn open_log(paths: &[PathBuf], options: &LogOptions) -> Result<Log<Rollouts>, Error> {
    open(paths, options, false)
}

/// As [`open_log`]; if `without_steps`, a cell that is no step is no error: the log then has no steps.
pub(super) fn open(
    paths: &[PathBuf],
    options: &LogOptions,
    without_steps: bool,
) -> Result<Log<Rollouts>, Error> {
    Ok(open_files(found(paths)?, options, without_steps, true, &numbered)?.0)
}

/// What the files of a log are within it.
#[derive(Debug, Clone)]
pub(super) struct Numbered {
    /// Where steps come from that the rows do not say.
    pub source: StepSource,
    /// The step of each file, by that source.
    pub steps: Vec<u64>,
    /// The number of each file.
    pub numbers: Vec<usize>,
    /// What a reader should know of it.
    pub note: Option<String>,
}

/// Steps by numbers in the paths, else by the order of the files; of one file, and of files of one rollout each, none.
pub(super) fn numbered(files: &[PathBuf], one_each: bool) -> Numbered {
    let numbers = (0..files.len()).collect();
    match path_step::steps(files) {
        Some((steps, note)) => Numbered { source: StepSource::Path, steps, numbers, note },
        None if one_each || files.len() == 1 || files.iter().all(|file| path_step::is_shard(file)) => {
            Numbered { source: StepSource::None, steps: vec![0; files.len()], numbers, note: None }
        }
        None => {
            let steps = (0..files.len() as u64).collect();
            Numbered { source: StepSource::Order, steps, numbers, note: None }
        }
    }
}

/// As [`open`], of files that were found and are what `numbered` says, which is told whether they are one rollout each; with what
/// was read of each. Only a `whole` log is put into blocks: a part does not know what it is a part of.
pub(super) fn open_files(
    found: Vec<Found>,
    options: &LogOptions,
    without_steps: bool,
    whole: bool,
    numbered: &dyn Fn(&[PathBuf], bool) -> Numbered,
) -> Result<(Log<Rollouts>, Vec<Read>), Error> {
    let again = found.clone();
    let (log, read, steps) = open_once(found, options, without_steps, whole, numbered)?;
    let Some(steps) = steps else { return Ok((log, read)) };
    let mut options = options.clone();
    match &steps {
        Steps::Turns(_) if !whole => {
            let path = log.meta.files.first().cloned().unwrap_or_default();
            return Err(Error::EpisodesGrow { path });
        }
        // A part does not know how many steps an epoch has.
        Steps::OfEpochs { .. } | Steps::Within { .. } if !whole => return Ok((log, read)),
        Steps::Turns(name) | Steps::Within { step: name, .. } => options.no_steps.push(name.clone()),
        Steps::OfEpochs { epoch, period, .. } => options.epochs = Some((epoch.clone(), *period)),
    }
    if let Steps::Within { times, .. } = &steps {
        let (mut other, read_again, _) = open_once(again, &options, without_steps, whole, numbered)?;
        // What has no more values than the other begins anew is no step that it lies within.
        return Ok(if other.rollouts.spans().len() > *times {
            other.meta.notes.insert(0, steps.said(&other.meta.step));
            (other, read_again)
        } else {
            (log, read)
        });
    }
    drop(log);
    let (mut log, read, _) = open_once(again, &options, without_steps, whole, numbered)?;
    log.meta.notes.insert(0, steps.said(&log.meta.step));
    Ok((log, read))
}

/// A log with what was read of each file, and how its column of steps is to be read if not as it is.
type Opened = (Log<Rollouts>, Vec<Read>, Option<Steps>);

fn open_once(
    found: Vec<Found>,
    options: &LogOptions,
    without_steps: bool,
    whole: bool,
    numbered: &dyn Fn(&[PathBuf], bool) -> Numbered,
) -> Result<Opened, Error> {
    let Choice { files, reward, guessed, left_out } = choose(found, options)?;
    let options = &LogOptions { no_completions: no_completions(&files, options), ..options.clone() };
    let names = match files.first() {
        Some(first) => feature_names(&first.path, &first.present, &options.features)?,
        None => Vec::new(),
    };
    let several = files.len() > 1;
    let paths_of: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    // Files of episodes without steps are those of workers: their numbers are no steps.
    let monitors =
        options.step.is_none() && files.iter().all(|file| monitor(&file.present.columns).is_some());
    if let (true, false, Some(path)) = (monitors, whole, paths_of.first()) {
        return Err(Error::EpisodesGrow { path: path.clone() });
    }
    // One rollout a file: their order says nothing of steps.
    let one_each = several && files.iter().all(|file| file.single);
    let Numbered { source, steps, numbers, note } = numbered(&paths_of, one_each);
    let runs = path_step::runs(&paths_of, whole);
    let run = run_column(&files, options, whole)?;
    let mut plans = Vec::with_capacity(files.len());
    for (number, file) in files.iter().enumerate() {
        let own_run = run.clone().filter(|name| file.present.has(name));
        let roles = Roles { run: own_run, ..Roles::of(&file.present, &reward, options) };
        for (asked, role) in [
            (&options.group, &roles.group),
            (&options.prompt, &roles.prompt),
            (&options.completion, &roles.completion),
        ] {
            if let Some(name) = asked.as_ref().filter(|_| role.is_none()) {
                return Err(missing(&file.path, &file.present, name));
            }
        }
        let lacking = reward.terms(Some(&file.present)).into_iter().filter(|t| !file.present.has(t.column));
        let missing =
            lacking.map(|t| (t.name.to_owned(), missing(&file.path, &file.present, t.column))).collect();
        plans.push(Plan {
            step: if monitors { 0 } else { steps.get(number).copied().unwrap_or_default() },
            number: numbers.get(number).copied().unwrap_or_default(),
            counter: may_be_means(&file.present, roles.step.as_deref()),
            episodes: match &roles.step {
                Some(_) => None,
                None if monitors => Some(Episodes::Rows),
                None if several => None,
                None => ordinal(&file.present.columns)
                    .map(Episodes::Column)
                    .or((!options.no_steps.is_empty()).then_some(Episodes::Rows)),
            },
            of_rollouts: sign_of_rollouts(&file.present.columns).is_some(),
            episode: episode(&file.present.columns)
                .filter(|_| options.rows.is_none() && roles.step.is_some()),
            turn: turn(&file.present.columns)
                .filter(|name| options.rows.is_none() && roles.step.as_ref() != Some(name)),
            conversation: conversation(&file.present.columns).filter(|_| options.rows.is_none()),
            speaker: speaker(&file.present.columns).filter(|_| options.rows.is_none()),
            // A step that was named though its name says it is taken as it is.
            epoch: epoch(&file.present.columns).filter(|name| {
                roles.step.as_ref().is_some_and(|step| step != name)
                    && options.step.as_ref().is_none_or(|step| !is_step(step))
            }),
            mean: options.rows.is_none()
                && (!has_outcome(&file.present.columns) || of_several(&file.present.columns))
                && !reward.terms(None).is_empty()
                && reward.terms(None).iter().all(|term| is_mean(term.column)),
            run: runs.get(number).copied().unwrap_or_default(),
            missing,
            late_step: late_step(&file.present, &roles, options),
            guessed,
            features: names.iter().map(|name| file.present.has(name)).collect(),
            present: file.present.clone(),
            roles,
        });
    }
    let roles = plans.first().map(|plan| plan.roles.clone()).unwrap_or_default();
    let source = if monitors { StepSource::None } else { source };
    let step = roles.step.as_ref().map_or(source, |name| StepSource::Column(name.clone()));
    let mut building = Building::new(&plans, &reward, names, options, without_steps, whole);
    building.texts = files.first().and_then(|file| texts_read(&file.present, &roles));
    building.other_step = files.first().and_then(|file| other_step(&file.present, &roles, options));
    left_out.into_iter().for_each(|file| building.leave_out(file));
    let of_episodes = plans.iter().any(|plan| plan.episodes.is_some());
    let unknown = step == StepSource::None && !of_episodes && !monitors;
    let remedy = files.first().filter(|_| unknown).and_then(|file| remedy_of_steps(&file.present));
    building.unknown_step = remedy.map(|remedy| {
        format!("nothing is known to be the training step, so all rows count as one; {remedy}")
    });
    if let Some(note) = files.first().and_then(|file| note_of_pairs(&file.present.columns)) {
        building.note(note);
    }
    if let Some(note) = note.filter(|_| step == StepSource::Path) {
        building.note(note);
    }
    let mut read = vec![Read::default(); files.len()];
    for (number, ((file, plan), read)) in files.iter().zip(plans).zip(&mut read).enumerate() {
        match building.file(number, &file.path, plan, &reward) {
            Err(error) if several => match reason(&error, false, false) {
                Some(reason) => building.leave_out(LeftOut { path: file.path.clone(), reason }),
                None => return Err(error),
            },
            result => *read = result?,
        }
    }
    if building.is_empty() && !reward.terms(None).is_empty() {
        let path = paths_of.first().cloned().unwrap_or_default();
        let of_reward = |name: &String| reward.terms(None).iter().any(|term| term.column == name);
        let mut others = files.first().map_or_else(Vec::new, |file| numeric(&file.present));
        others.retain(|name| !of_reward(name));
        return Err(Error::NoValues { path, column: reward.to_string(), others });
    }
    let options = LogOptions { reward: Some(reward.clone()), guessed, ..options.clone() };
    let steps = building.steps(&roles);
    Ok((building.finish(paths_of, roles, step, options)?, read, steps))
}

/// What a log without a known step may say of it: a column that may be one, or a clock.
fn remedy_of_steps(present: &Present) -> Option<String> {
    let whole: Vec<Column> = present.columns.iter().filter(|column| column.whole).cloned().collect();
    if let Some(name) = pick_number(&whole, PERHAPS_STEP) {
        return Some(format!("`--step {name}` takes `{name}` for it"));
    }
    let clock = pick(&present.columns, CLOCK, false)?;
    Some(format!("`{clock}` is a clock and no step: write the step of each row into a column, `step`"))
}

/// A number beside the step whose name says step as well.
fn other_step(present: &Present, roles: &Roles, options: &LogOptions) -> Option<String> {
    let step = roles.step.as_ref()?;
    let may_be = |column: &&Column| {
        column.kind == Kind::Number
            && column.whole
            && column.name != *step
            && !options.no_steps.contains(&column.name)
    };
    let others: Vec<Column> = present.columns.iter().filter(may_be).cloned().collect();
    pick(&others, STEP, true)
}

/// Columns that are the same in all rollouts of a prompt in some file, with those that are known to be.
fn no_completions(files: &[Chosen], options: &LogOptions) -> Vec<String> {
    let mut none = options.no_completions.clone();
    for column in files.iter().flat_map(|file| &file.present.columns) {
        if column.counts == Counts::OfPrompt && !none.contains(&column.name) {
            none.push(column.name.clone());
        }
    }
    none
}

/// Which texts are read as those of the model, in words; nothing where there are none.
fn texts_read(present: &Present, roles: &Roles) -> Option<String> {
    const SHOWN: usize = 4;
    let others = roles.other_texts(present, roles.completion.is_some());
    let more = if others.len() > SHOWN { " …" } else { "" };
    let names: Vec<String> = others.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let names = names.join(", ") + more;
    match (&roles.completion, others.as_slice()) {
        (Some(name), []) => Some(format!("column `{name}`")),
        (Some(name), _) => Some(format!("column `{name}`; --completion names another ({names})")),
        (None, []) => {
            let truths = roles.truths(present);
            let first = truths.first()?;
            Some(format!(
                "no completions were read: `{first}` is taken for the truth that answers are compared with; name the column of what the \
                 model wrote with --completion"
            ))
        }
        (None, _) => Some(format!("no completions were read: name their column with --completion ({names})")),
    }
}

/// A column that is named like the step and has no value in the first rows, where no other is the step.
fn late_step(present: &Present, roles: &Roles, options: &LogOptions) -> Option<String> {
    let is_empty = |c: &&Column| c.kind == Kind::Empty && !options.no_steps.contains(&c.name);
    let empty: Vec<Column> = present.columns.iter().filter(is_empty).cloned().collect();
    pick(&empty, STEP, true).filter(|_| roles.step.is_none())
}

/// The feature columns that are asked for, each once, and those that are always read.
fn feature_names(path: &Path, present: &Present, asked: &[String]) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    };
    for pattern in asked {
        match pattern.strip_suffix('*') {
            Some(start) => {
                let fits = |c: &&super::cell::Column| c.kind == Kind::Number && c.name.starts_with(start);
                let mut found = present.columns.iter().filter(fits).peekable();
                if found.peek().is_none() {
                    return Err(missing(path, present, pattern));
                }
                found.for_each(|column| add(&column.name));
            }
            _ if present.has(pattern) => add(pattern),
            _ => return Err(missing(path, present, pattern)),
        }
    }
    for name in [DISAGREEMENT, GRADIENT_NORM] {
        if present.columns.iter().any(|c| c.kind == Kind::Number && c.name == name) {
            add(name);
        }
    }
    Ok(names)
}
