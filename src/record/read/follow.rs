//! Follows a log that grows: each turn reads what came since the last, whole records and whole files only.
//!
//! Text with one record a line is read up to its last whole line; any other file once, when it is complete. What is half-written
//! waits for the next turn.

use super::choose::{is_evaluation, reason};
use super::csv::header_of;
use super::error::Error;
use super::files::{Found, found};
use super::format::{Format, columns, format};
use super::grown::{Grown, grown};
use super::log::{GroupSource, LeftOut, Log, StepSource};
use super::means::MANY_STEPS;
use super::names::sign_of_rollouts;
use super::open::{Numbered, numbered, open_files};
use super::options::{LogOptions, Rows};
use super::part::Part;
use super::path_step;
use super::reward::RewardSpec;
use super::rollouts::Rollouts;
use super::source::MAX_RECORD;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Bytes that one turn reads at most, unless a single file is larger.
const TURN: u64 = 16 << 20;
/// A file that is not text is complete when it has not changed for so long.
const SETTLED: Duration = Duration::from_secs(2);

/// How far a log has been read. It serialises, and the following goes on where it was kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The files, in the order in which they were found.
    files: Vec<FileProgress>,
    /// How the log is read, once that is known.
    reader: Option<Reader>,
}

/// How far a file has been read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FileProgress {
    path: PathBuf,
    /// Its number among those that are read.
    number: Option<usize>,
    /// Bytes, rows and lines that were read, a header not counted among the lines.
    bytes: u64,
    rows: usize,
    lines: u64,
    /// The latest step of which rows were read.
    newest: Option<u64>,
    /// Whether nothing more is read of it.
    closed: bool,
}

/// The columns that the first turn found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reader {
    reward: RewardSpec,
    step: Option<String>,
    group: Option<String>,
}

/// What came since the last turn.
#[derive(Debug)]
pub struct Turn {
    /// The new rollouts, in step order.
    pub log: Log<Rollouts>,
    /// The number of each of its files in the log as a whole.
    pub numbers: Vec<usize>,
    /// Whether each of its files is complete, so that the steps in it are.
    pub complete: Vec<bool>,
    /// Whether more is there already, and then the step from which on it may hold rollouts.
    pub more: Option<u64>,
}

/// Follows files and folders.
#[derive(Debug)]
pub struct Follower {
    paths: Vec<PathBuf>,
    options: LogOptions,
    progress: Progress,
    /// Sizes and times of files that are not complete, or were read: a change of a file that was read is told once.
    known: HashMap<PathBuf, (u64, Option<SystemTime>)>,
    left_out: Vec<LeftOut>,
}

/// A file of this turn.
struct Ready {
    /// Its place among the files of the progress.
    at: usize,
    file: Found,
    part: Option<Part>,
    /// Lines of the part.
    lines: u64,
    bytes: u64,
    closes: bool,
    /// Whether the file holds more than is read of it at once.
    cut: bool,
}

impl Follower {
    /// Follows what `paths` stand for ([`log_files`](super::log_files)), from where `progress` ended.
    pub fn new(paths: Vec<PathBuf>, options: LogOptions, progress: Progress) -> Self {
        Self { paths, options, progress, known: HashMap::new(), left_out: Vec::new() }
    }

    /// How far the log has been read.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Files that are not read, since the last call.
    pub fn left_out(&mut self) -> Vec<LeftOut> {
        std::mem::take(&mut self.left_out)
    }

    /// What came since the last turn, if anything. `last`: nothing more will come, so that nothing waits to be complete.
    ///
    /// # Errors
    /// As [`open_log`](super::open_log).
    pub fn turn(&mut self, last: bool) -> Result<Option<Turn>, Error> {
        let found = match found(&self.paths) {
            Err(Error::NoLogInFolder { .. } | Error::NoMatch { .. }) if !last => return Ok(None),
            found => found?,
        };
        let (ready, waiting) = self.ready(found, last)?;
        if ready.is_empty() {
            return Ok(None);
        }
        let options = self.reading(&ready);
        let of_turn = |files: &[PathBuf], one_each: bool| self.numbered(files, one_each);
        let files: Vec<Found> = ready.iter().map(|ready| ready.file.clone()).collect();
        let (log, rows) = match open_files(files, &options, false, false, &of_turn) {
            Ok(opened) => opened,
            Err(error) => return self.refused(error, &ready, last).map(|()| None),
        };
        if self.progress.reader.is_none() && !last {
            // One row a step may be the beginning of rollouts.
            let steps = log.rollouts.spans().len();
            if log.meta.aggregate && options.rows.is_none() && steps < MANY_STEPS {
                return Ok(None);
            }
        }
        let places: HashMap<&Path, &Ready> =
            ready.iter().map(|ready| (ready.file.path.as_path(), ready)).collect();
        let numbers = self.numbered(&log.meta.files, false).numbers;
        for ((path, rows), number) in log.meta.files.iter().zip(&rows).zip(&numbers) {
            let Some(ready) = places.get(path.as_path()) else { continue };
            let Some(file) = self.progress.files.get_mut(ready.at) else { continue };
            file.number = Some(*number);
            file.bytes = ready.bytes;
            file.lines += ready.lines;
            file.rows += rows;
            file.closed |= ready.closes;
        }
        // Of a file that was read before, rows without the reward wait for others that have it.
        for LeftOut { path, reason } in log.meta.left_out.iter().filter(|file| !goes_on(&ready, &file.path)) {
            self.close(path, reason.clone());
        }
        self.progress.reader.get_or_insert_with(|| Reader {
            reward: log.meta.reward.clone(),
            step: if let StepSource::Column(name) = &log.meta.step { Some(name.clone()) } else { None },
            group: match &log.meta.group {
                GroupSource::Column(name) => Some(name.clone()),
                // Where groups that were none gave way to the prompt, they do so from now on.
                GroupSource::Prompt(name) if log.meta.roles.group.is_some() => Some(name.clone()),
                GroupSource::Prompt(_) | GroupSource::None => None,
            },
        });
        let complete = log
            .meta
            .files
            .iter()
            .map(|path| places.get(path.as_path()).is_some_and(|own| own.closes))
            .collect();
        for stretch in &log.rollouts.stretches {
            let path = log.meta.files.get(stretch.shared.file as usize);
            let Some(own) = path.and_then(|path| places.get(path.as_path())) else { continue };
            if let Some(file) = self.progress.files.get_mut(own.at) {
                file.newest = file.newest.max(Some(stretch.shared.step));
            }
        }
        let more = waiting.iter().map(|path| self.next_step(path)).min();
        Ok(Some(Turn { log, numbers, complete, more }))
    }

    /// What files of a turn are in the log as a whole: new ones follow those that are read.
    fn numbered(&self, files: &[PathBuf], one_each: bool) -> Numbered {
        let mut known: Vec<(usize, &PathBuf)> =
            self.progress.files.iter().filter_map(|file| Some((file.number?, &file.path))).collect();
        known.sort_unstable();
        let mut all: Vec<PathBuf> = known.into_iter().map(|(_, path)| path.clone()).collect();
        let places: HashMap<PathBuf, usize> = all.iter().cloned().zip(0..).collect();
        let mut numbers = Vec::with_capacity(files.len());
        for path in files {
            numbers.push(places.get(path).copied().unwrap_or(all.len()));
            if !places.contains_key(path) {
                all.push(path.clone());
            }
        }
        let whole = numbered(&all, one_each);
        let steps = numbers.iter().map(|at| whole.steps.get(*at).copied().unwrap_or_default()).collect();
        match (all.as_slice(), whole.source) {
            ([one], StepSource::None) if path_step::of_one(one).is_some() => Numbered {
                source: StepSource::Path,
                steps: path_step::of_one(one).into_iter().collect(),
                numbers,
            },
            (_, source) => Numbered { source, steps, numbers },
        }
    }

    /// The step from which on a file may hold rollouts that were not read.
    fn next_step(&self, path: &Path) -> u64 {
        let known = self.progress.files.iter().find(|file| file.path == path);
        match known.and_then(|file| file.newest) {
            Some(newest) => newest,
            None if self.progress.reader.as_ref().is_some_and(|reader| reader.step.is_some()) => 0,
            // By a number in its path; files that are steps in their order come after all that were read.
            None => path_step::of_one(path).unwrap_or(u64::MAX),
        }
    }

    /// The files of which there is something to read, and those that must wait for the next turn.
    fn ready(&mut self, mut found: Vec<Found>, last: bool) -> Result<(Vec<Ready>, Vec<PathBuf>), Error> {
        let numbers: HashMap<PathBuf, usize> = (self.progress.files.iter().enumerate())
            .map(|(number, file)| (file.path.clone(), number))
            .collect();
        let training = |file: &Found| !file.below.as_deref().is_some_and(is_evaluation);
        let trained = found.iter().any(training);
        // What is behind is read first, so that no step waits long for a file that lags.
        if self.progress.reader.is_some() && found.len() > 1 {
            let steps: HashMap<PathBuf, u64> =
                found.iter().map(|file| (file.path.clone(), self.next_step(&file.path))).collect();
            found.sort_by_key(|file| steps.get(&file.path).copied());
        }
        let (mut ready, mut bytes, mut waiting) = (Vec::new(), 0, Vec::new());
        for file in found {
            let number = match numbers.get(&file.path) {
                Some(number) => *number,
                None => {
                    let path = file.path.clone();
                    self.progress.files.push(FileProgress {
                        path,
                        number: None,
                        bytes: 0,
                        rows: 0,
                        lines: 0,
                        newest: None,
                        closed: false,
                    });
                    self.progress.files.len() - 1
                }
            };
            let metadata = match file.path.metadata() {
                Ok(metadata) => metadata,
                Err(source) => return Err(Error::Io { path: file.path, source }),
            };
            if !metadata.is_file() {
                return Err(Error::NotRegular { path: file.path });
            }
            let state = (metadata.len(), metadata.modified().ok());
            let Some(progress) = self.progress.files.get(number).cloned() else { continue };
            if bytes >= TURN {
                if !progress.closed && state.0 > progress.bytes {
                    waiting.push(file.path);
                }
                continue;
            }
            let before = self.known.insert(file.path.clone(), state);
            if progress.closed {
                if before.is_some_and(|before| before != state) && progress.rows > 0 {
                    let reason = "it was written again after it was read, as an evaluation of the same step is: not read again";
                    self.left_out.push(LeftOut { path: file.path, reason: reason.to_owned() });
                }
                continue;
            }
            if trained && !training(&file) {
                self.close(
                    &file.path,
                    "an evaluation beside rollouts of training; name it to have it judged".to_owned(),
                );
                continue;
            }
            if state.0 < progress.bytes {
                let reason = format!("it became shorter than the {} bytes that were read", progress.bytes);
                self.close(&file.path, reason);
                continue;
            }
            if state.0 == progress.bytes {
                continue;
            }
            let quoted = format(&file.path) == Some(Format::Csv);
            let to = state.0.min(progress.bytes + TURN);
            let mut there = grown(&file.path, progress.bytes, to, quoted, last)?;
            let header = match there {
                Grown::Records { .. } if quoted => header_of(&file.path, self.options.max_expanded)?,
                _ => (0, 0),
            };
            let (start, own) = if progress.bytes == 0 { header } else { (progress.bytes, 0) };
            if matches!(there, Grown::Records { end, .. } if end <= start) && to < state.0 {
                // A first record longer than a turn.
                let to = state.0.min(start + MAX_RECORD as u64);
                there = grown(&file.path, progress.bytes, to, quoted, last)?;
            }
            match there {
                Grown::Records { end, lines } => {
                    if end <= start {
                        continue;
                    }
                    let cut = end < state.0 && to < state.0;
                    if cut {
                        waiting.push(file.path.clone());
                    }
                    let part =
                        Part { header: header.0, start, end, rows: progress.rows, lines: progress.lines };
                    bytes += end - start;
                    ready.push(Ready {
                        at: number,
                        file,
                        part: Some(part),
                        lines: lines - own,
                        bytes: end,
                        closes: false,
                        cut,
                    });
                }
                Grown::Nothing => {}
                Grown::Whole { complete } => {
                    let age = state.1.and_then(|time| SystemTime::now().duration_since(time).ok());
                    let settled = before == Some(state) || age.is_some_and(|age| age >= SETTLED);
                    if complete.unwrap_or(settled) || last {
                        bytes += state.0;
                        ready.push(Ready {
                            at: number,
                            file,
                            part: None,
                            lines: 0,
                            bytes: state.0,
                            closes: true,
                            cut: false,
                        });
                    }
                }
            }
        }
        Ok((ready, waiting))
    }

    /// How the files of this turn are read.
    fn reading(&self, ready: &[Ready]) -> LogOptions {
        let parts = ready.iter().filter_map(|ready| Some((ready.file.path.clone(), ready.part.clone()?)));
        let mut options = LogOptions { parts: parts.collect(), ..self.options.clone() };
        if let Some(reader) = &self.progress.reader {
            options.reward = Some(reader.reward.clone());
            options.step = reader.step.clone();
            options.group = reader.group.clone();
            options.rows = options.rows.or(Some(Rows::Rollouts));
        }
        options
    }

    /// What an error of a turn means: files that are no rollouts, or not yet, are left out or wait.
    fn refused(&mut self, error: Error, ready: &[Ready], last: bool) -> Result<(), Error> {
        let has_rollouts = |ready: &Ready| {
            columns(&ready.file.path, &self.options)
                .is_ok_and(|(present, _)| sign_of_rollouts(&present.columns).is_some())
        };
        let lacks =
            matches!(error, Error::Empty { .. } | Error::MissingColumn { .. } | Error::NoValues { .. });
        if lacks && ready.iter().all(|own| goes_on(ready, &own.file.path)) {
            for ready in ready.iter().filter(|ready| ready.cut) {
                // A stretch without a reward in the middle of a file: there is more behind it.
                if let Some(file) = self.progress.files.get_mut(ready.at) {
                    file.bytes = ready.bytes;
                    file.lines += ready.lines;
                    file.rows += usize::try_from(ready.lines).unwrap_or_default();
                }
            }
            for ready in ready.iter().filter(|ready| last && !ready.cut) {
                let reason = "its last rows are unfinished or without a reward: left out".to_owned();
                self.left_out.push(LeftOut { path: ready.file.path.clone(), reason });
            }
            return Ok(());
        }
        let found = ready.iter().all(|ready| ready.file.below.is_some());
        if self.progress.reader.is_none() {
            return if last || !found || ready.iter().any(has_rollouts) { Err(error) } else { Ok(()) };
        }
        let why = match &error {
            Error::MissingColumn { column, .. } | Error::NoValues { column, .. } => {
                Some(format!("no column `{column}`"))
            }
            other => reason(other, true, false),
        };
        let foreign = matches!(error, Error::MissingColumn { .. }) || ready.len() == 1;
        let Some(why) = why.filter(|_| found && foreign) else { return Err(error) };
        let new = ready.iter().filter(|own| !goes_on(ready, &own.file.path));
        new.for_each(|own| self.close(&own.file.path, why.clone()));
        Ok(())
    }

    fn close(&mut self, path: &Path, reason: String) {
        if let Some(file) = self.progress.files.iter_mut().find(|file| file.path == path) {
            file.closed = true;
        }
        self.left_out.push(LeftOut { path: path.to_owned(), reason });
    }
}

/// Whether a file of this turn was read before, and goes on.
fn goes_on(ready: &[Ready], path: &Path) -> bool {
    let own = ready.iter().find(|own| own.file.path == path);
    own.and_then(|own| own.part.as_ref()).is_some_and(|part| part.rows > 0)
}
