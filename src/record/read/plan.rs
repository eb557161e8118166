//! What is known of a file before its rows are read, and what was read of it.

use super::error::Error;
use super::log::StepSource;
use super::names::is_step;
use super::present::Present;
use super::roles::Roles;
use std::rc::Rc;

/// What is known of a file before its rows are read.
pub(super) struct Plan {
    pub present: Rc<Present>,
    pub roles: Roles,
    /// The step of rows that do not say it.
    pub step: u64,
    /// The file's number in the log.
    pub number: usize,
    /// The counter and the run's column, if rows can be step means.
    pub counter: Option<(String, Option<String>)>,
    /// What counts the episodes of a log without steps.
    pub episodes: Option<Episodes>,
    /// Whether a column belongs to single rollouts.
    pub of_rollouts: bool,
    /// What names the episode of a row, if rows may be the steps of episodes.
    pub episode: Option<String>,
    /// What counts the turns of a conversation, if rows may be turns.
    pub turn: Option<String>,
    /// What names the conversation of a row.
    pub conversation: Option<String>,
    /// What says who speaks in a row.
    pub speaker: Option<String>,
    /// Whole numbers of epochs beside the step.
    pub epoch: Option<String>,
    /// Whether the reward is a mean by its name, and nothing says that it is one rollout's.
    pub mean: bool,
    /// The run of rows that do not say it.
    pub run: u64,
    /// Columns of the reward that the first rows lack, and the error if all rows do.
    pub missing: Vec<(String, Error)>,
    /// A column of the step without a value in the first rows, of a file without another.
    pub late_step: Option<String>,
    /// Whether the reward is but the only candidate.
    pub guessed: bool,
    /// Whether each feature is there.
    pub features: Vec<bool>,
}

/// What was read of a file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Read {
    pub rows: usize,
    /// Whether a last row was left out that is not whole.
    pub unfinished: bool,
}

/// What counts the episodes of a log without steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Episodes {
    /// The rows, as of a `monitor.csv`.
    Rows,
    /// A column, if it ascends.
    Column(String),
}

/// How a column of steps is to be read, if not as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Steps {
    /// It counts the turns of episodes.
    Turns(String),
    /// It begins anew again and again within another one.
    Within { step: String, other: String, times: usize },
    /// It begins anew with each epoch.
    OfEpochs { step: String, epoch: String, period: u64 },
}

impl Steps {
    /// What a reader is told, of a log whose steps are now these.
    pub fn said(&self, now: &StepSource) -> String {
        match self {
            Self::Turns(name) => {
                let order = match now {
                    StepSource::Blocks { of: None } => "in the order of the file",
                    _ => "without it",
                };
                format!(
                    "`{name}` begins anew again and again: it counts the turns of an episode and no training steps. Rollouts are \
                     judged {order}; `--step {name}` takes it for the step"
                )
            }
            Self::Within { step, other, times } => format!(
                "`{step}` begins anew {times} times within `{other}`, which is the training step here; `--step {step}` takes it for that"
            ),
            Self::OfEpochs { step, epoch, period } => {
                let otherwise = if is_step(step) {
                    format!("; `--step {step}` takes it as it is")
                } else {
                    String::new()
                };
                format!(
                    "`{step}` begins anew with each `{epoch}`: step s of epoch e is step {period}·e + s here{otherwise}"
                )
            }
        }
    }
}

/// Names of the cells to read, each with its index.
#[derive(Default)]
pub(super) struct Wanted<'a>(pub Vec<&'a str>);

impl<'a> Wanted<'a> {
    /// The index and the name of a cell, if it is wanted.
    pub fn add(&mut self, name: Option<&'a String>) -> Option<(usize, &'a str)> {
        let name = name?;
        self.0.push(name);
        Some((self.0.len() - 1, name))
    }
}
