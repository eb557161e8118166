//! What a reader is told of a log beforehand, and which of several readings is meant.

use super::part::Part;
use super::reward::RewardSpec;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What a row of a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// One rollout. Columns that lie in one line as lists of one length are that many rollouts.
    Rollouts,
    /// A mean over a training step.
    Means,
}

impl FromStr for Rows {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "rollouts" => Ok(Self::Rollouts),
            "means" => Ok(Self::Means),
            _ => Err(format!("`{text}` is neither `rollouts` nor `means`")),
        }
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rollouts => "rollouts",
            Self::Means => "means",
        })
    }
}

/// How the files of a log are to be read; what is `None` is found out.
#[derive(Debug, Clone, PartialEq)]
pub struct LogOptions {
    /// The reward's columns.
    pub reward: Option<RewardSpec>,
    /// Whether nothing but its being the only candidate spoke for that reward, as where the beginning of a log was read before.
    pub guessed: bool,
    /// Further columns, a `*` at the end standing for any ending among the numeric columns of the first file.
    pub features: Vec<String>,
    /// The column of the training step.
    pub step: Option<String>,
    /// Columns that are no training step, whatever their names say.
    pub no_steps: Vec<String>,
    /// The column of epochs with each of which the steps begin anew, and how many steps one has.
    pub epochs: Option<(String, u64)>,
    /// The column of the prompt.
    pub prompt: Option<String>,
    /// The column of what the model wrote.
    pub completion: Option<String>,
    /// Columns that are the same in all rollouts of a prompt, which is not what a model writes.
    pub no_completions: Vec<String>,
    /// The column of the group: rollouts that are compared with each other.
    pub group: Option<String>,
    /// Columns that are no group, whatever their names say.
    pub no_groups: Vec<String>,
    /// What a row is.
    pub rows: Option<Rows>,
    /// Bytes to which a Parquet or compressed file may expand.
    pub max_expanded: u64,
    /// Files of which only a part is read.
    pub parts: BTreeMap<PathBuf, Part>,
}

impl LogOptions {
    /// Bytes to which a file may expand unless another limit is given.
    pub const MAX_EXPANDED: u64 = 64_000_000_000;
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            reward: None,
            guessed: false,
            features: Vec::new(),
            step: None,
            no_steps: Vec::new(),
            epochs: None,
            prompt: None,
            completion: None,
            no_completions: Vec::new(),
            group: None,
            no_groups: Vec::new(),
            rows: None,
            max_expanded: Self::MAX_EXPANDED,
            parts: BTreeMap::new(),
        }
    }
}

impl From<RewardSpec> for LogOptions {
    fn from(reward: RewardSpec) -> Self {
        Self { reward: Some(reward), ..Self::default() }
    }
}
