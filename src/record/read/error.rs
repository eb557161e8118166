//! What can be wrong with a file of rewards. Every message names the place and the value; [`Error::help`] says
//! what to do next.

use super::no_rollouts::NoRollouts;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A row of a file, as a person finds it: a line of a text file, else a row number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1; absent where the format has no lines.
    pub line: Option<u64>,
    /// Row of data, from 0, not counting a header.
    pub row: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}", self.file.display()),
            None => write!(f, "{}, row {}", self.file.display(), self.row),
        }
    }
}

/// Why a file of rewards could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot read {path}", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The temporary file that holds the numbers of a large log could not be written or read.
    #[error("cannot keep the numbers of the log in a temporary file")]
    Spool {
        /// What the system said.
        source: io::Error,
    },
    /// A row that the log does not have.
    #[error("there is no row {row} in a log of {rows} rollouts")]
    NoSuchRow {
        /// The row, from 0.
        row: usize,
        /// Rollouts there are.
        rows: usize,
    },
    /// Nothing is at this path.
    #[error("{path}: no such file or folder", path = .path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// A pipe or a device, where a file is needed that can be read again.
    #[error("{path}: not a regular file: what comes of it cannot be followed", path = .path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
    },
    /// A pattern that matches nothing.
    #[error("{path}: no file matches this pattern", path = .path.display())]
    NoMatch {
        /// The pattern.
        path: PathBuf,
    },
    /// A folder without a log.
    #[error("{path}: this folder holds no .csv, .jsonl, .json or .parquet file", path = .path.display())]
    NoLogInFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file of another format.
    #[error("{path}: cannot tell the format from the extension `{extension}`", path = .path.display())]
    UnknownExtension {
        /// The file.
        path: PathBuf,
        /// Its extension, with the dot; empty if it has none.
        extension: String,
    },
    /// A Parquet file, and a program built without the feature.
    #[error("{path}: this build of tailcatch cannot read Parquet", path = .path.display())]
    ParquetDisabled {
        /// The file.
        path: PathBuf,
    },
    /// A file of no bytes, or of a header only.
    #[error("{path}: the file is empty: {what}", path = .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// In what way it is empty.
        what: &'static str,
    },
    /// Bytes that are not UTF-8.
    #[error("{place}: the text is not UTF-8")]
    NotUtf8 {
        /// Where.
        place: Place,
    },
    /// A CSV row with another number of cells than the header.
    #[error("{place}: the row has {found} cells, the header has {expected}")]
    Ragged {
        /// Where.
        place: Place,
        /// Cells in this row.
        found: u64,
        /// Cells in the header.
        expected: u64,
    },
    /// A cell that runs over many lines, each of which looks like a row.
    #[error("{place}: a quoted cell goes on over {lines} lines that look like rows: a `\"` is not closed")]
    OpenQuote {
        /// Where it begins.
        place: Place,
        /// Its lines.
        lines: usize,
    },
    /// A CSV file whose first line is data.
    #[error("{path}: line 1 holds numbers (`{first}` …) and no names: the header is missing", path = .path.display())]
    NoHeader {
        /// The file.
        path: PathBuf,
        /// The first cell.
        first: String,
    },
    /// A CSV file whose lines end as those of old machines.
    #[error("{path}: its lines end in carriage returns alone, which end no line here", path = .path.display())]
    CarriageReturns {
        /// The file.
        path: PathBuf,
    },
    /// A line that is not a JSON object.
    #[error("{place}: not a JSON object: {message}")]
    Json {
        /// Where.
        place: Place,
        /// What the parser said.
        message: String,
    },
    /// Another value after the one object of which an array is read.
    #[error("{place}: more follows the object whose `{key}` holds the rows")]
    MoreFollows {
        /// Where the object ends.
        place: Place,
        /// The array's key.
        key: String,
    },
    /// Lists of different lengths in the columns of one line.
    #[error(
        "{place}: `{}` holds {} elements, `{}` holds {}: they are no columns of one table",
        .lists[0].0, .lists[0].1, .lists[1].0, .lists[1].1
    )]
    Lengths {
        /// Where.
        place: Place,
        /// Two of the lists, with their lengths.
        lists: [(String, usize); 2],
    },
    /// Lists of one length that may be a rollout's turns, or rollouts.
    #[error(
        "{path}: `{completions}` and `{rewards}` hold lists of one length ({length}): as many rollouts, or turns of one?",
        path = .path.display()
    )]
    TurnsOrRollouts {
        /// The file.
        path: PathBuf,
        /// The completions' column.
        completions: String,
        /// The reward's column.
        rewards: String,
        /// Length of the lists in the first of these lines.
        length: usize,
    },
    /// Episodes without steps, which are judged in blocks of a finished log.
    #[error("{path}: episodes without training steps, which are judged in blocks of a finished log", path = .path.display())]
    EpisodesGrow {
        /// The file.
        path: PathBuf,
    },
    /// Rows of one episode that follow each other at different steps.
    #[error(
        "{path}: rows of one `{episode}` follow each other with different `{step}`s: each row looks like a step of an episode, and \
         not like a rollout",
        path = .path.display()
    )]
    StepsOfEpisodes {
        /// The file.
        path: PathBuf,
        /// The column that names the episode.
        episode: String,
        /// The column of the step.
        step: String,
    },
    /// Rows that are no rollouts.
    #[error(transparent)]
    NoRollouts(NoRollouts),
    /// A list of numbers where one number should stand.
    #[error("{place}, column `{column}`: a list of {length} numbers")]
    List {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// Numbers in the list.
        length: usize,
    },
    /// A JSON object with several arrays of objects.
    #[error("{path}: {} arrays could be the rows: {}", .arrays.len(), .arrays.join(", "), path = .path.display())]
    WhichArray {
        /// The file.
        path: PathBuf,
        /// Their keys.
        arrays: Vec<String>,
    },
    /// A compressed file that is damaged.
    #[error("{path}: damaged or cut off: {message}", path = .path.display())]
    Compressed {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        message: String,
    },
    /// A file that expands beyond the limit.
    #[error("{path}: it expands to more than {limit} bytes", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// A line, record or cell beyond what is read at once.
    #[error("{place}: longer than {limit} bytes")]
    TooLong {
        /// Where.
        place: Place,
        /// The limit.
        limit: usize,
    },
    /// A Parquet column of which few bytes become many.
    #[error("{path}: column `{column}` expands {times}-fold, to {bytes} bytes", path = .path.display())]
    Bomb {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Bytes beyond bytes.
        times: u64,
        /// Bytes in all.
        bytes: u64,
    },
    /// A Parquet file in a compression that is not read.
    #[error("{path}: compressed with {codec}, which is not read", path = .path.display())]
    Codec {
        /// The file.
        path: PathBuf,
        /// The compression.
        codec: String,
    },
    /// A file that is not, or not wholly, Parquet.
    #[error("{path}: not a complete Parquet file: {message}", path = .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        message: String,
    },
    /// A cell that should hold a number.
    #[error("{place}, column `{column}`: `{value}` is not a number")]
    NotANumber {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// What stands there.
        value: String,
    },
    /// NaN or ±∞ in a column of rewards.
    #[error("{place}, column `{column}`: the value is {value}")]
    NotFinite {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// The value.
        value: f64,
    },
    /// An empty cell where every row needs a value.
    #[error("{place}, column `{column}`: the cell is empty")]
    EmptyCell {
        /// Where.
        place: Place,
        /// The column.
        column: String,
    },
    /// A step that is not a whole number.
    #[error("{place}, column `{column}`: `{value}` is not a step (0, 1, 2, …)")]
    NotAStep {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// What stands there.
        value: String,
    },
    /// A column that was asked for and is not there.
    #[error("{path}: there is no column `{column}`", path = .path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The columns that are there.
        columns: Vec<String>,
    },
    /// The same name twice in a CSV header.
    #[error("{path}: the header names `{column}` more than once", path = .path.display())]
    RepeatedColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// No column was named and the file does not say which one is meant.
    #[error("{path}: {}", which_column(.candidates), path = .path.display())]
    WhichColumn {
        /// The file.
        path: PathBuf,
        /// Numeric columns that could be meant.
        candidates: Vec<String>,
        /// Those beside them that count on from row to row, as a step does.
        counters: Vec<String>,
        /// All columns.
        columns: Vec<String>,
    },
    /// A column that is named like a reward and holds text.
    #[error("{}, column `{column}`: {}", at(.path, .first.as_deref()), text_of(.values, *.numbers))]
    TextReward {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Where the first text stands.
        first: Option<Box<Place>>,
        /// The first texts in it, each once; empty where its type is none that is read.
        values: Vec<String>,
        /// Numbers in the first rows.
        numbers: usize,
        /// Numeric columns that could be meant instead.
        others: Vec<String>,
    },
    /// A column that is named like a reward and comes after rows of which another was guessed to be it.
    #[error(
        "{place}: here `{column}` begins, and the rows before it have none{}",
        .guessed.as_ref().map_or_else(String::new, |guessed| format!(": `{guessed}` was guessed to be the reward"))
    )]
    LateReward {
        /// Where it begins.
        place: Place,
        /// The column.
        column: String,
        /// What was guessed, where there was something to guess.
        guessed: Option<String>,
    },
    /// A column without a single value.
    #[error("{path}: column `{column}` holds no value", path = .path.display())]
    NoValues {
        /// The first file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Numeric columns that could be meant instead.
        others: Vec<String>,
    },
    /// A `--reward` that cannot be read.
    #[error("--reward `{text}`: {reason}")]
    RewardSpec {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A place, or the file where none is known.
fn at(path: &Path, place: Option<&Place>) -> String {
    place.map_or_else(|| path.display().to_string(), ToString::to_string)
}

fn text_of(values: &[String], numbers: usize) -> String {
    let shown: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
    match (shown.as_slice(), numbers) {
        ([], _) => "it holds a type of number that is not read".to_owned(),
        (shown, 0) => format!("it holds text and no numbers: {} …", shown.join(", ")),
        (shown, numbers) => {
            format!("it holds text beside numbers ({numbers} in its first rows): {} …", shown.join(", "))
        }
    }
}

fn which_column(candidates: &[String]) -> String {
    match candidates {
        [] => "no numeric column that could be a reward".to_owned(),
        [one] => format!("`{one}` could be the reward, but nothing says so"),
        several => format!("{} numeric columns could be the reward", several.len()),
    }
}
