//! Follows a log that grows: each turn reads what came since the last, whole records and whole files only.
//!
//! Text with one record a line is read up to its last whole line; any other file once, when it is complete. What is half-written
//! waits for the next turn. Where there is more than a turn reads, the next goes on with it before it lists the folder again.

use super::choose::{is_evaluation, reason};
use super::error::Error;
use super::files::{Found, found};
use super::format::{columns, scan};
use super::grown::end_of;
use super::log::{GroupSource, LeftOut, Log, StepSource};
use super::looks::{self, Looks};
use super::means::MANY_STEPS;
use super::names::sign_of_rollouts;
use super::open::open_files;
use super::options::{LogOptions, Rows};
use super::plan::Read;
use super::progress::{Known, Progress, Reader};
use super::ready::{Looked, Ready, look};
use super::rollouts::Rollouts;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Bytes that one turn reads at most, unless a single file is larger.
const TURN: u64 = 16 << 20;

/// What came since the last turn.
#[derive(Debug)]
pub struct Turn {
    /// The new rollouts, in step order.
    pub log: Log<Rollouts>,
    /// The number of each of its files in the log as a whole.
    pub numbers: Vec<usize>,
    /// Whether each of its files is complete, so that the steps in it are.
    pub complete: Vec<bool>,
    /// The step of the last row of each.
    pub ends_in: Vec<Option<u64>>,
    /// Whether more is there already, and then the step from which on it may hold rollouts.
    pub more: Option<u64>,
}

/// Follows files and folders.
#[derive(Debug)]
pub struct Follower {
    paths: Vec<PathBuf>,
    options: LogOptions,
    known: Known,
    looks: Looks,
    /// Places of files that hold more than was read.
    waiting: Vec<usize>,
    /// Whether a file was found that is no evaluation.
    trained: bool,
    left_out: Vec<LeftOut>,
    notes: Vec<String>,
}

impl Follower {
    /// Follows what `paths` stand for ([`log_files`](super::log_files)), from where `progress` ended.
    pub fn new(paths: Vec<PathBuf>, options: LogOptions, progress: Progress) -> Self {
        let (known, looks) = (Known::new(progress), Looks::default());
        Self {
            paths,
            options,
            known,
            looks,
            waiting: Vec::new(),
            trained: false,
            left_out: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// How far the log has been read.
    pub fn progress(&self) -> &Progress {
        self.known.progress()
    }

    /// Rows of files that were left out for want of a column, and rows that were read, where the former are more.
    pub fn mostly_left_out(&self) -> Option<(usize, usize)> {
        let (left_out, read) = self.progress().rows();
        (left_out > read).then_some((left_out, read))
    }

    /// Files that are not read, since the last call.
    pub fn left_out(&mut self) -> Vec<LeftOut> {
        std::mem::take(&mut self.left_out)
    }

    /// What else a reader should know, since the last call.
    pub fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// What came since the last turn, if anything. `last`: nothing more will come, so that nothing waits to be complete.
    ///
    /// # Errors
    /// As [`open_log`](super::open_log).
    pub fn turn(&mut self, last: bool) -> Result<Option<Turn>, Error> {
        let mut ready = self.go_on(last)?;
        if ready.is_empty() {
            ready = self.list(last)?;
        }
        if ready.is_empty() {
            return Ok(None);
        }
        let options = self.reading(&ready);
        let of_turn = |files: &[PathBuf], one_each: bool| self.known.numbered(files, one_each);
        let files: Vec<Found> = ready.iter().map(|ready| ready.file.clone()).collect();
        let (log, read) = match open_files(files, &options, false, false, &of_turn) {
            Ok(opened) => opened,
            Err(error) => return self.refused(error, &ready, last).map(|()| None),
        };
        if self.progress().reader.is_none() && !last {
            // One row a step may be the beginning of rollouts.
            let steps = log.rollouts.spans().len();
            if log.meta.aggregate && options.rows.is_none() && steps < MANY_STEPS {
                return Ok(None);
            }
            // Nor does a file of settings, or of one number, say what the columns of rollouts are.
            let decide = |(path, read): (&PathBuf, &Read)| {
                let own = ready.iter().find(|own| own.file.path == *path);
                own.is_none_or(|own| own.file.below.is_none()) || may_decide(path, read.rows, &options)
            };
            if options.reward.is_none() && !log.meta.files.iter().zip(&read).any(decide) {
                return Ok(None);
            }
        }
        let places: HashMap<&Path, &Ready> =
            ready.iter().map(|ready| (ready.file.path.as_path(), ready)).collect();
        let numbers = self.known.numbered(&log.meta.files, false).numbers;
        for ((path, read), number) in log.meta.files.iter().zip(&read).zip(&numbers) {
            let Some(ready) = places.get(path.as_path()) else { continue };
            self.known.number(ready.at, *number);
            let Some(file) = self.known.file(ready.at) else { continue };
            // A last record that was not whole is read again when it is.
            let to = ready.whole.filter(|_| read.unfinished).unwrap_or(ready.to);
            (file.bytes, file.lines) = (to.bytes, file.lines + to.lines);
            file.open_line = ready.whole.is_some() && !read.unfinished;
            // A file that is gone by now is read to where it was.
            file.end = ready.part.as_ref().and_then(|_| end_of(path, file.bytes).ok());
            file.rows += read.rows;
            file.closed |= ready.closes;
        }
        for LeftOut { path, reason } in &log.meta.left_out {
            let Some(ready) = places.get(path.as_path()) else { continue };
            // Of a file that was read before, rows without the reward wait for others that have it.
            if !ready.goes_on() {
                self.leave_out(ready, reason.clone(), last);
            }
        }
        self.known.reader().get_or_insert_with(|| Reader {
            reward: log.meta.reward.clone(),
            guessed: log.meta.options.guessed,
            step: if let StepSource::Column(name) = &log.meta.step { Some(name.clone()) } else { None },
            group: match &log.meta.group {
                GroupSource::Column(name) => Some(name.clone()),
                // Where groups that were none gave way to the prompt, they do so from now on.
                GroupSource::Prompt(name) if log.meta.roles.group.is_some() => Some(name.clone()),
                GroupSource::Prompt(_) | GroupSource::None => None,
            },
            // A column that was none is none from now on.
            no_groups: match &log.meta.group {
                GroupSource::None => log.meta.roles.group.iter().cloned().collect(),
                GroupSource::Column(_) | GroupSource::Prompt(_) => Vec::new(),
            },
            no_completions: log.meta.options.no_completions.clone(),
        });
        let complete = log
            .meta
            .files
            .iter()
            .map(|path| places.get(path.as_path()).is_some_and(|own| own.closes))
            .collect();
        let mut ends: Vec<Option<(usize, u64)>> = vec![None; log.meta.files.len()];
        for stretch in &log.rollouts.stretches {
            let (number, step) = (stretch.shared.file as usize, stretch.shared.step);
            if let Some(end) = ends.get_mut(number) {
                *end = (*end).max(Some((stretch.at, step)));
            }
            let path = log.meta.files.get(number);
            let Some(own) = path.and_then(|path| places.get(path.as_path())) else { continue };
            if let Some(file) = self.known.file(own.at) {
                file.newest = file.newest.max(Some(step));
            }
        }
        let ends_in = ends.into_iter().map(|end| Some(end?.1)).collect();
        let more = self.waiting.iter().map(|at| self.known.next_step(*at)).min();
        Ok(Some(Turn { log, numbers, complete, ends_in, more }))
    }

    /// What there is to read of the files that the last turn left.
    fn go_on(&mut self, last: bool) -> Result<Vec<Ready>, Error> {
        let waiting = std::mem::take(&mut self.waiting);
        self.take(waiting, last, false)
    }

    /// What there is to read of the files that the paths stand for now.
    fn list(&mut self, last: bool) -> Result<Vec<Ready>, Error> {
        let found = match found(&self.paths) {
            Err(Error::NoLogInFolder { .. } | Error::NoMatch { .. }) if !last => return Ok(Vec::new()),
            found => found?,
        };
        self.looks.turn(found.len());
        let mut due = Vec::new();
        for (nth, file) in found.into_iter().enumerate() {
            let at = self.known.place(&file.path);
            if self.looks.is_new(at) {
                self.trained |= !file.below.as_deref().is_some_and(is_evaluation);
                self.looks.found(at, file.below);
                due.push(at);
            } else if last || self.looks.is_due(at, nth) {
                due.push(at);
            }
        }
        self.take(due, last, true)
    }

    /// As much of these files as a turn reads, what is behind first, so that no step waits long for a file that lags; the others wait.
    /// `listed`: they were not looked at before.
    fn take(&mut self, mut due: Vec<usize>, last: bool, listed: bool) -> Result<Vec<Ready>, Error> {
        if self.progress().reader.is_some() && due.len() > 1 {
            due.sort_by_cached_key(|at| self.known.next_step(*at));
        }
        let (mut ready, mut bytes) = (Vec::new(), 0);
        for at in due {
            if bytes >= TURN {
                if !listed || self.has_more(at)? {
                    self.waiting.push(at);
                }
                continue;
            }
            let Some(own) = self.ready(at, last)? else { continue };
            bytes += own.size();
            if own.cut {
                self.waiting.push(at);
            }
            ready.push(own);
        }
        Ok(ready)
    }

    /// Whether a file holds more than was read.
    fn has_more(&mut self, at: usize) -> Result<bool, Error> {
        let Some(file) = self.known.file(at) else { return Ok(false) };
        let (read, closed, path) = (file.bytes, file.closed, file.path.clone());
        // What is told of a file that was written again is told when its turn comes.
        Ok(!closed && looks::state(&path)?.0 > read)
    }

    /// What there is to read of a file.
    fn ready(&mut self, at: usize, last: bool) -> Result<Option<Ready>, Error> {
        let Some(file) = self.known.file(at) else { return Ok(None) };
        let below = self.looks.below(at).cloned();
        let (state, before) = self.looks.look(at, &file.path)?;
        if file.closed {
            if before.is_some_and(|before| before != state) && file.rows > 0 {
                let reason = "it was written again after it was read, as an evaluation of the same step is: not read again";
                self.left_out.push(LeftOut { path: file.path.clone(), reason: reason.to_owned() });
            }
            return Ok(None);
        }
        let is_other = |end: u64| match state.0.cmp(&file.bytes) {
            Ordering::Less => Ok(true),
            Ordering::Equal => Ok(false),
            Ordering::Greater => end_of(&file.path, file.bytes).map(|now| now != end),
        };
        if file.end.map(is_other).transpose()? == Some(true) {
            self.notes.push(format!(
                "{}: another file stands where {} bytes were read, as where a log is begun anew or moved away: read from its beginning",
                file.path.display(),
                file.bytes
            ));
            file.begin_anew();
        }
        let found = Found { path: file.path.clone(), below };
        let reason = if self.trained && found.below.as_deref().is_some_and(is_evaluation) {
            "an evaluation beside rollouts of training; name it to have it judged".to_owned()
        } else if state.0 < file.bytes {
            format!("it became shorter than the {} bytes that were read", file.bytes)
        } else {
            let Looked { ready, told } = look(at, found, file, (state, before), last, &self.options)?;
            self.left_out.extend(told.map(|reason| LeftOut { path: file.path.clone(), reason }));
            return Ok(ready);
        };
        file.closed = true;
        self.left_out.push(LeftOut { path: found.path, reason });
        Ok(None)
    }

    /// How the files of this turn are read.
    fn reading(&self, ready: &[Ready]) -> LogOptions {
        let parts = ready.iter().filter_map(|ready| Some((ready.file.path.clone(), ready.part.clone()?)));
        let mut options = LogOptions { parts: parts.collect(), ..self.options.clone() };
        if let Some(reader) = &self.progress().reader {
            options.reward = Some(reader.reward.clone());
            options.guessed = reader.guessed;
            options.step = reader.step.clone();
            options.group = reader.group.clone();
            options.no_groups = reader.no_groups.clone();
            options.no_completions = reader.no_completions.clone();
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
        if lacks && ready.iter().all(Ready::goes_on) {
            for ready in ready.iter().filter(|ready| ready.cut) {
                // A stretch without a reward in the middle of a file: there is more behind it.
                if let Some(file) = self.known.file(ready.at) {
                    (file.bytes, file.lines) = (ready.to.bytes, file.lines + ready.to.lines);
                    file.rows += usize::try_from(ready.to.lines).unwrap_or_default();
                }
            }
            for ready in ready.iter().filter(|ready| last && !ready.cut) {
                let reason = "its last rows are unfinished or without a reward: left out".to_owned();
                self.left_out.push(LeftOut { path: ready.file.path.clone(), reason });
            }
            return Ok(());
        }
        let found = ready.iter().all(|ready| ready.file.below.is_some());
        if self.progress().reader.is_none() {
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
        let new = ready.iter().filter(|own| !own.goes_on());
        new.for_each(|own| self.leave_out(own, why.clone(), last));
        Ok(())
    }

    /// A file is not read any further, unless it ends in a line that is not whole yet.
    fn leave_out(&mut self, ready: &Ready, reason: String, last: bool) {
        let left_out = LeftOut { path: ready.file.path.clone(), reason };
        if left_out.lacks_a_column() {
            let rows = rows_of(&left_out.path, &self.reading(std::slice::from_ref(ready)));
            self.known.pass_over(rows);
        }
        if let Some(file) = self.known.file(ready.at) {
            file.closed |= !(last && ready.whole.is_some());
        }
        self.left_out.push(left_out);
    }
}

/// Whether a file that was found, with so many rows, says how the others are read: one of rollouts, or more than a row and a column.
fn may_decide(path: &Path, rows: usize, options: &LogOptions) -> bool {
    columns(path, options).is_ok_and(|(present, _)| {
        sign_of_rollouts(&present.columns).is_some() || (rows > 1 && present.columns.len() > 1)
    })
}

/// The rows of a file that is not read.
fn rows_of(path: &Path, options: &LogOptions) -> usize {
    let mut rows = 0;
    let Ok((present, _)) = columns(path, options) else { return 0 };
    let first: Vec<&str> = present.columns.iter().take(1).map(|column| column.name.as_str()).collect();
    // What is wrong with a row that is not read is nobody's.
    let _ = scan(path, &present, &first, &mut |_| {
        rows += 1;
        Ok(())
    });
    rows
}
