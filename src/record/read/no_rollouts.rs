//! Logs whose rows are no rollouts: preference pairs, and the turns of conversations. What is wrong, and what to do.

use super::cell::{Column, Kind};
use super::names::{PROXY, is_named, pick_number};
use super::quoted::quoted;
use super::spelling::has_word;
use std::path::{Path, PathBuf};

/// Why the rows of a file are not judged as rollouts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRollouts {
    /// Rows with a better and a worse answer.
    #[error("{path}: `{chosen}` and `{rejected}` are preference pairs, and no rollouts of a policy", path = .path.display())]
    Pairs {
        /// The file.
        path: PathBuf,
        /// The column of the better answers.
        chosen: String,
        /// The column of the worse ones.
        rejected: String,
        /// The column of what the better ones were scored, or of a reward beside both.
        score: Option<String>,
    },
    /// Rows of one conversation.
    #[error(
        "{path}: rows of one `{of}` have different `{turn}`s: each row looks like a turn, and not like a rollout",
        path = .path.display()
    )]
    TurnsOf {
        /// The file.
        path: PathBuf,
        /// The column that names the conversation.
        of: String,
        /// The column that counts its turns.
        turn: String,
        /// Whether the file holds records of JSON.
        json: bool,
    },
    /// Rows that count on, and begin anew.
    #[error(
        "{path}: `{turn}` counts on from row to row and begins anew again and again: each row looks like a turn, and not like a rollout",
        path = .path.display()
    )]
    Turns {
        /// The file.
        path: PathBuf,
        /// The column that counts them.
        turn: String,
    },
    /// Rows of which each says who speaks.
    #[error(
        "{path}: `{role}` says who speaks in each row ({}): each row looks like a message, and not like a rollout",
        .who.join(", "), path = .path.display()
    )]
    Messages {
        /// The file.
        path: PathBuf,
        /// The column that names the speaker.
        role: String,
        /// Two of the speakers.
        who: [String; 2],
    },
}

impl NoRollouts {
    /// The file that these columns were seen of, if it holds preference pairs.
    pub(super) fn pairs(path: &Path, columns: &[Column]) -> Option<Self> {
        let (chosen, rejected) = pair(columns)?;
        let score = columns.iter().find(|column| {
            column.kind == Kind::Number
                && has_word(&column.name, &["chosen"])
                && has_word(&column.name, &["score", "scores", "reward", "rewards", "rating"])
        });
        let score = score.map(|column| column.name.clone()).or_else(|| pick_number(columns, PROXY));
        Some(Self::Pairs { path: path.to_owned(), chosen, rejected, score })
    }

    /// What to do next.
    pub fn help(&self) -> String {
        const ROLLOUTS: &str = "say `--rows rollouts` if each row is rewarded by itself";
        match self {
            Self::Pairs { chosen, score, .. } => {
                let look = match score {
                    Some(score) => format!(
                        "`--reward {} --completion {}` takes each better answer for a rollout",
                        quoted(score),
                        quoted(chosen)
                    ),
                    None => "they have no reward that is read".to_owned(),
                };
                format!(
                    "give what the policy sampled in training, a row for each completion with its reward; {look}"
                )
            }
            Self::TurnsOf { path, of, turn, json } => {
                let file = quoted(&path.display().to_string());
                let command = format!(".[\"{of}\"])[] | max_by(.[\"{turn}\"])");
                let last = match json {
                    true => {
                        format!(
                            ", as `jq -sc 'group_by({command}' {file} > log.jsonl` keeps the last turn of each"
                        )
                    }
                    false => ", as that of its last turn".to_owned(),
                };
                format!("give one row for each `{of}`{last}; or {ROLLOUTS}")
            }
            Self::Turns { turn, .. } => format!(
                "give one row for each conversation, as that with its highest `{turn}`; or {ROLLOUTS}"
            ),
            Self::Messages { .. } => format!(
                "give one row for each conversation, with its prompt, what the model wrote, and its reward; or {ROLLOUTS}"
            ),
        }
    }
}

/// The columns of the better and the worse answers: text, or messages.
fn pair(columns: &[Column]) -> Option<(String, String)> {
    let text = |name: &str| {
        let is_text = |c: &&Column| c.kind == Kind::Other && is_named(&c.name, name);
        columns.iter().find(is_text).map(|column| column.name.clone())
    };
    text("chosen").zip(text("rejected"))
}

/// What is said of pairs whose reward was named.
pub(super) fn note_of_pairs(columns: &[Column]) -> Option<String> {
    let (chosen, rejected) = pair(columns)?;
    Some(format!(
        "`{chosen}` and `{rejected}` are preference pairs, and no rollouts of a policy: each row counts as one; what training does \
         with a reward is not seen in them"
    ))
}
