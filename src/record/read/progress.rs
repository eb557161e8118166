//! How far a log that grows has been read, file by file.

use super::log::StepSource;
use super::open::Numbered;
use super::path_step::{Ways, is_shard, of_one};
use super::reward::RewardSpec;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// How far a log has been read. It serialises, and the following goes on where it was kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The files, in the order in which they were found.
    files: Vec<FileProgress>,
    /// How the log is read, once that is known.
    pub(super) reader: Option<Reader>,
    /// Rows of files that were left out for want of a column.
    #[serde(default)]
    passed_over: usize,
}

impl Progress {
    /// Rows of files that were left out for want of a column, and rows that were read.
    pub(super) fn rows(&self) -> (usize, usize) {
        (self.passed_over, self.files.iter().map(|file| file.rows).sum())
    }
}

/// How far a file has been read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct FileProgress {
    pub path: PathBuf,
    /// Its number among those that are read.
    number: Option<usize>,
    /// Bytes, rows and lines that were read, a header not counted among the lines.
    pub bytes: u64,
    pub rows: usize,
    pub lines: u64,
    /// The latest step of which rows were read.
    pub newest: Option<u64>,
    /// Whether nothing more is read of it.
    pub closed: bool,
    /// Whether the last line that was read had no end.
    pub open_line: bool,
    /// Of text that is read as it grows, a hash of the last bytes that were read: others in their place are another file's.
    pub end: Option<u64>,
}

impl FileProgress {
    /// It is read from its beginning again.
    pub fn begin_anew(&mut self) {
        (self.bytes, self.lines, self.rows) = (0, 0, 0);
        (self.open_line, self.end) = (false, None);
    }
}

/// The columns that the first turn found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Reader {
    pub reward: RewardSpec,
    /// Whether it was but the only candidate.
    #[serde(default)]
    pub guessed: bool,
    pub step: Option<String>,
    pub group: Option<String>,
    #[serde(default)]
    pub no_groups: Vec<String>,
    #[serde(default)]
    pub no_completions: Vec<String>,
}

/// A progress whose files are found by their paths.
#[derive(Debug)]
pub(super) struct Known {
    progress: Progress,
    places: HashMap<PathBuf, usize>,
    /// How many files are read, and where their paths say steps.
    read: usize,
    ways: Ways,
}

impl Known {
    pub fn new(progress: Progress) -> Self {
        let places = progress.files.iter().enumerate().map(|(at, file)| (file.path.clone(), at)).collect();
        let (mut read, mut ways) = (0, Ways::default());
        for file in progress.files.iter().filter(|file| file.number.is_some()) {
            read += 1;
            ways.see(&file.path);
        }
        Self { progress, places, read, ways }
    }

    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// How the log is read, once that is known.
    pub fn reader(&mut self) -> &mut Option<Reader> {
        &mut self.progress.reader
    }

    /// The place of a file, which is new if it was not found before.
    pub fn place(&mut self, path: &Path) -> usize {
        if let Some(at) = self.places.get(path) {
            return *at;
        }
        let at = self.progress.files.len();
        self.progress.files.push(FileProgress { path: path.to_owned(), ..FileProgress::default() });
        self.places.insert(path.to_owned(), at);
        at
    }

    /// The file at a place.
    pub fn file(&mut self, at: usize) -> Option<&mut FileProgress> {
        self.progress.files.get_mut(at)
    }

    /// So many rows more are those of a file that lacks a column.
    pub fn pass_over(&mut self, rows: usize) {
        self.progress.passed_over += rows;
    }

    /// The file at a place is read under this number.
    pub fn number(&mut self, at: usize, number: usize) {
        let Some(file) = self.progress.files.get_mut(at) else { return };
        if file.number.is_none() {
            file.number = Some(number);
            self.ways.see(&file.path);
            self.read += 1;
        }
    }

    /// What files of a turn are in the log as a whole: new ones follow those that are read.
    pub fn numbered(&self, files: &[PathBuf], one_each: bool) -> Numbered {
        let (mut ways, mut read) = (self.ways.clone(), self.read);
        let mut numbers = Vec::with_capacity(files.len());
        for path in files {
            let known = self.places.get(path).and_then(|at| self.progress.files.get(*at)?.number);
            numbers.push(known.unwrap_or_else(|| {
                ways.see(path);
                read += 1;
                read - 1
            }));
        }
        let by =
            |way: fn(&Path) -> Option<u64>| files.iter().map(|file| way(file).unwrap_or_default()).collect();
        let alone = files.first().filter(|_| read == 1);
        let (source, steps) = match ways.way() {
            Some(way) => (StepSource::Path, by(way)),
            None if alone.is_some_and(|file| of_one(file).is_some()) => (StepSource::Path, by(of_one)),
            None if one_each || read == 1 || files.iter().all(|file| is_shard(file)) => {
                (StepSource::None, vec![0; files.len()])
            }
            None => (StepSource::Order, numbers.iter().map(|number| *number as u64).collect()),
        };
        Numbered { source, steps, numbers, note: None }
    }

    /// The step from which on a file may hold rollouts that were not read.
    pub fn next_step(&self, at: usize) -> u64 {
        let Some(file) = self.progress.files.get(at) else { return u64::MAX };
        match file.newest {
            Some(newest) => newest,
            None if self.progress.reader.as_ref().is_some_and(|reader| reader.step.is_some()) => 0,
            // By a number in its path; files that are steps in their order come after all that were read.
            None => of_one(&file.path).unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_files_follow_those_that_are_read() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let mut known = Known::new(Progress::default());
        let first = known.numbered(&paths(&["r/run_3.jsonl"]), false);
        assert_eq!((first.source, first.steps, first.numbers), (StepSource::None, vec![0], vec![0]));
        for (number, name) in ["r/2.jsonl", "r/5.jsonl"].into_iter().enumerate() {
            let at = known.place(Path::new(name));
            known.number(at, number);
        }
        let known = Known::new(known.progress().clone());
        let more = known.numbered(&paths(&["r/9.jsonl", "r/5.jsonl"]), false);
        assert_eq!((more.source, more.steps, more.numbers), (StepSource::Path, vec![9, 5], vec![2, 1]));
        let other = known.numbered(&paths(&["r/other.jsonl", "r/5.jsonl"]), false);
        assert_eq!((other.source, other.steps), (StepSource::Order, vec![2, 1]));
        assert_eq!((known.next_step(0), known.next_step(9)), (2, u64::MAX));
    }
}
