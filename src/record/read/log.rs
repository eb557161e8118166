//! A log as it was read: its rollouts, and what is known of the whole.

use super::layout::ROLLOUTS;
use super::options::LogOptions;
use super::reward::RewardSpec;
use super::roles::Roles;
use crate::record::columns::Observed;
use std::fmt;
use std::path::PathBuf;

/// Where a rollout was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Index into [`LogMeta::files`].
    pub file: usize,
    /// Row of data in that file, from 0, not counting a header.
    pub row: usize,
    /// Line of a text file, from 1, as an editor counts; none of a file without lines, and where it is known from the text alone
    /// ([`Texts`](super::Texts)).
    pub line: Option<u64>,
}

/// A log: rollouts in step order, in memory ([`InMemory`]) or read back as they are needed ([`Rollouts`](super::Rollouts)).
#[derive(Debug, Clone, PartialEq)]
pub struct Log<R> {
    /// The rollouts, in step order.
    pub rollouts: R,
    /// What is known of the whole.
    pub meta: LogMeta,
}

/// What is known of a log as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct LogMeta {
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
    /// Steps at the end of the log of which no row has a reward.
    pub unread_steps: usize,
    /// Number of distinct runs where the log names them, else 1.
    pub runs: usize,
    /// Whether each row is a mean over a training step (the rule: [`ColumnData`](super::ColumnData)).
    pub aggregate: bool,
    /// Where the training steps come from.
    pub step: StepSource,
    /// Where the groups come from.
    pub group: GroupSource,
    /// Which column's texts are those of the model, or that none is known to be, in words; nothing of a log without texts.
    pub texts: Option<String>,
    /// Files that were found and not read.
    pub left_out: Vec<LeftOut>,
    /// Rollouts that the log holds more than once; they are counted once.
    pub repeated: usize,
    /// What a reader of the result should know: columns that were left out, and why.
    pub notes: Vec<String>,
    /// How the files were read; with the reward that was found.
    pub options: LogOptions,
}

/// Where the training steps of a log come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepSource {
    /// A column.
    Column(String),
    /// The names of files or folders, as `step_12`.
    Path,
    /// The order of the files: the first is step 0.
    Order,
    /// Blocks of rollouts that follow each other, each named by its first: of a column with one rollout a step, or of episodes.
    Blocks {
        /// The column.
        of: Option<String>,
    },
    /// Nowhere: one file, and all of its rows count as step 0.
    None,
}

impl fmt::Display for StepSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => write!(f, "column `{name}`"),
            Self::Path => f.write_str("names of files or folders"),
            Self::Order => f.write_str("order of the files"),
            Self::Blocks { of: Some(name) } => {
                write!(
                    f,
                    "blocks of {ROLLOUTS} rollouts, named by their first `{name}` (one rollout has each)"
                )
            }
            Self::Blocks { of: None } => {
                write!(f, "blocks of {ROLLOUTS} episodes in their order, named by their first, from 0")
            }
            Self::None => f.write_str("none: all rows count as step 0"),
        }
    }
}

/// Where the groups of a log come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupSource {
    /// A column.
    Column(String),
    /// A column of prompts, within the step.
    Prompt(String),
    /// Nowhere.
    None,
}

impl GroupSource {
    /// That of columns with these roles.
    pub(super) fn of(roles: &Roles) -> Self {
        match (&roles.group, &roles.prompt) {
            (Some(name), _) => Self::Column(name.clone()),
            (None, Some(name)) => Self::Prompt(name.clone()),
            (None, None) => Self::None,
        }
    }
}

impl fmt::Display for GroupSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => write!(f, "column `{name}`"),
            Self::Prompt(name) => write!(f, "prompt (column `{name}`) within the step"),
            Self::None => f.write_str("none"),
        }
    }
}

/// A file that was found and not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// The rollouts of a log in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct InMemory {
    /// The rollouts. `trajectory` counts them in the order of this log.
    pub observed: Observed,
    /// Where each was read.
    pub origin: Vec<Origin>,
}
