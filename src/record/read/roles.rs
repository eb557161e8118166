//! Which column of a log means what, by the names that trainers use.

use super::cell::{Column, Kind};
use super::error::{Error, REWARD_FLAG};
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// The raw proxy reward, in order of preference. `proxy` comes first because logs of this program also hold the
/// shaped `reward`.
const PROXY: &[&str] = &["proxy", "reward", "score", "rewards", "total_reward", "reward_total"];
const STEP: &[&str] = &["step", "global_step", "progress/step", "train_step", "training_step", "iteration"];
const RUN: &[&str] = &["train_id", "run_id", "run"];
const PROMPT: &[&str] = &["prompt", "input", "question", "query", "prompt_id", "prompt_idx"];
const COMPLETION: &[&str] = &["completion", "output", "response", "generation", "answer"];
const GROUP: &[&str] = &["group", "group_id", "uid"];
const LENGTH: &[&str] =
    &["length", "completion_length", "response_length", "completion_tokens", "response_tokens", "num_tokens"];
const LOG_PROB: &[&str] = &["log_prob", "logprob", "logp", "log_probs", "logprobs", "old_log_prob"];
const REF_LOG_PROB: &[&str] =
    &["ref_log_prob", "ref_logprob", "ref_logp", "ref_log_probs", "ref_logprobs", "reference_log_prob"];
const ADVANTAGE: &[&str] = &["advantage", "advantages", "adv"];
const OUTCOME: &[&str] = &["outcome"];
/// Numbers that no one rewards.
const BOOKKEEPING: &[&str] =
    &["trajectory", "index", "id", "row", "rank", "seed", "epoch", "timestamp", "time", "arm", "replicate"];

/// Names that say that a row is one rollout and not a mean over a step.
const ROLLOUT: &[&[&str]] = &[PROMPT, COMPLETION, GROUP, OUTCOME, &["trajectory"]];

/// Which columns make the reward.
#[derive(Debug, Clone, PartialEq)]
pub enum RewardSpec {
    /// One column as it is.
    Column(String),
    /// A weighted sum of columns. A row in which some of them are empty sums the others, as trainers do.
    Weighted(Vec<(String, f64)>),
}

impl RewardSpec {
    /// Columns with their weights.
    pub(super) fn terms(&self) -> Vec<(&str, f64)> {
        match self {
            Self::Column(name) => vec![(name, 1.0)],
            Self::Weighted(terms) => terms.iter().map(|(name, weight)| (name.as_str(), *weight)).collect(),
        }
    }
}

impl FromStr for RewardSpec {
    type Err = Error;

    /// `score`, or `helpful=1,format=0.5`; a weight that is left out is 1.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::RewardSpec { text: text.to_owned(), reason };
        let mut terms: Vec<(String, f64)> = Vec::new();
        for term in text.split(',') {
            let (name, weight) = match term.rsplit_once('=') {
                None => (term.trim(), 1.0),
                Some((name, weight)) => match weight.trim().parse::<f64>() {
                    Ok(value) if value.is_finite() => (name.trim(), value),
                    _ => return Err(wrong(format!("the weight `{}` is not a finite number", weight.trim()))),
                },
            };
            if name.is_empty() {
                return Err(wrong("a column name is empty".to_owned()));
            }
            if terms.iter().any(|(known, _)| known == name) {
                return Err(wrong(format!("`{name}` is named twice")));
            }
            terms.push((name.to_owned(), weight));
        }
        match terms.as_slice() {
            [(name, _)] if !text.contains('=') => Ok(Self::Column(name.clone())),
            _ => Ok(Self::Weighted(terms)),
        }
    }
}

impl fmt::Display for RewardSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => f.write_str(name),
            Self::Weighted(terms) => {
                for (i, (name, weight)) in terms.iter().enumerate() {
                    write!(f, "{}{weight}·{name}", if i == 0 { "" } else { " + " })?;
                }
                Ok(())
            }
        }
    }
}

/// The columns of a log, by what they mean; `None` where the log has no such column.
///
/// | role | names that are recognised, in this order |
/// |---|---|
/// | reward | `proxy`, `reward`, `score`, `rewards`, `total_reward`, `reward_total`; else the only numeric column that has no other role |
/// | step | `step`, `global_step`, `progress/step`, `train_step`, `training_step`, `iteration`; else the order of the files |
/// | run | `train_id`, `run_id`, `run` |
/// | prompt | `prompt`, `input`, `question`, `query`, `prompt_id`, `prompt_idx` |
/// | completion | `completion`, `output`, `response`, `generation`, `answer` |
/// | group | `group`, `group_id`, `uid`; else the prompt within the step |
/// | outcome | `outcome`; else prompt and completion |
/// | length | `length`, `completion_length`, `response_length`, `completion_tokens`, `response_tokens`, `num_tokens`; else characters of the completion |
/// | log_prob | `log_prob`, `logprob`, `logp`, `log_probs`, `logprobs`, `old_log_prob` |
/// | ref_log_prob | `ref_log_prob`, `ref_logprob`, `ref_logp`, `ref_log_probs`, `ref_logprobs`, `reference_log_prob` |
/// | advantage | `advantage`, `advantages`, `adv` |
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Roles {
    /// Training step.
    pub step: Option<String>,
    /// Which of several runs.
    pub run: Option<String>,
    /// Prompt.
    pub prompt: Option<String>,
    /// Completion.
    pub completion: Option<String>,
    /// Rollouts compared with each other.
    pub group: Option<String>,
    /// What was sampled.
    pub outcome: Option<String>,
    /// Length of the completion.
    pub length: Option<String>,
    /// ln π.
    pub log_prob: Option<String>,
    /// ln π₀.
    pub ref_log_prob: Option<String>,
    /// Advantage.
    pub advantage: Option<String>,
    /// Shaped reward, beside a `proxy`.
    pub shaped_reward: Option<String>,
}

fn first(columns: &[Column], names: &[&str]) -> Option<String> {
    names.iter().find(|name| columns.iter().any(|c| c.name == **name)).map(|name| (*name).to_owned())
}

fn first_numeric(columns: &[Column], names: &[&str]) -> Option<String> {
    let numeric = |name: &str| columns.iter().any(|c| c.name == name && c.kind == Kind::Number);
    names.iter().find(|name| numeric(name)).map(|name| (*name).to_owned())
}

impl Roles {
    pub(super) fn of(columns: &[Column], reward: &RewardSpec) -> Self {
        let is_proxy = matches!(reward, RewardSpec::Column(name) if name == PROXY[0]);
        Self {
            step: first(columns, STEP),
            run: first(columns, RUN),
            prompt: first(columns, PROMPT),
            completion: first(columns, COMPLETION),
            group: first(columns, GROUP),
            outcome: first(columns, OUTCOME),
            length: first_numeric(columns, LENGTH),
            log_prob: first_numeric(columns, LOG_PROB),
            ref_log_prob: first_numeric(columns, REF_LOG_PROB),
            advantage: first_numeric(columns, ADVANTAGE),
            shaped_reward: if is_proxy { first_numeric(columns, &["reward"]) } else { None },
        }
    }
}

/// The step's and the run's column, if rows of these columns can be step means: there is a step, and nothing that
/// belongs to a single rollout (prompt, completion, group, outcome, trajectory).
pub(super) fn may_be_aggregate(columns: &[Column]) -> Option<(String, Option<String>)> {
    if ROLLOUT.iter().any(|names| first(columns, names).is_some()) {
        return None;
    }
    Some((first(columns, STEP)?, first(columns, RUN)))
}

/// The training step's column.
pub(super) fn step_column(columns: &[Column]) -> Option<String> {
    first(columns, STEP)
}

/// Decides whether rows are step means: at least two, and steps strictly ascend, one row each (within a run).
#[derive(Debug, Default)]
pub(super) struct StepMeans {
    last: Option<(u64, u64)>,
    rows: usize,
    broken: bool,
}

impl StepMeans {
    pub(super) fn see(&mut self, run: u64, step: u64) {
        if let Some((last_run, last_step)) = self.last {
            self.broken |= run == last_run && step <= last_step;
        }
        self.last = Some((run, step));
        self.rows += 1;
    }

    pub(super) fn holds(&self) -> bool {
        !self.broken && self.rows >= 2
    }
}

/// The column that no one named: a known name, else the only candidate.
pub(super) fn guess(path: &Path, columns: &[Column], flag: &'static str) -> Result<String, Error> {
    if let Some(name) = first(columns, PROXY) {
        return Ok(name);
    }
    let roles = [
        STEP,
        RUN,
        PROMPT,
        COMPLETION,
        GROUP,
        OUTCOME,
        LENGTH,
        LOG_PROB,
        REF_LOG_PROB,
        ADVANTAGE,
        BOOKKEEPING,
    ];
    let has_role = |name: &str| {
        let leaf = name.rsplit('/').next().unwrap_or(name);
        roles.iter().any(|names| names.contains(&name) || names.contains(&leaf))
    };
    let mut candidates: Vec<String> = columns
        .iter()
        .filter(|c| c.kind == Kind::Number && !has_role(&c.name))
        .map(|c| c.name.clone())
        .collect();
    if let [_] = candidates.as_slice() {
        return Ok(candidates.remove(0));
    }
    let columns = columns.iter().map(|c| c.name.clone()).collect();
    Err(Error::WhichColumn { path: path.to_owned(), flag, candidates, columns })
}

/// The reward that no one named.
pub(super) fn guess_reward(path: &Path, columns: &[Column]) -> Result<RewardSpec, Error> {
    guess(path, columns, REWARD_FLAG).map(RewardSpec::Column)
}

/// The error for a name that no column answers to.
pub(super) fn missing(path: &Path, columns: &[Column], name: &str) -> Error {
    Error::MissingColumn {
        path: path.to_owned(),
        column: name.to_owned(),
        columns: columns.iter().map(|c| c.name.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<Column> {
        names.iter().map(|n| Column { name: (*n).to_owned(), kind: Kind::Number }).collect()
    }

    #[test]
    fn reward_specs_are_a_name_or_weights() {
        let spec = |text: &str| text.parse::<RewardSpec>().map_err(|e| e.to_string());
        assert_eq!(spec("score"), Ok(RewardSpec::Column("score".into())));
        assert_eq!(spec("a=1, b=.5"), Ok(RewardSpec::Weighted(vec![("a".into(), 1.0), ("b".into(), 0.5)])));
        assert_eq!(spec("a,b"), Ok(RewardSpec::Weighted(vec![("a".into(), 1.0), ("b".into(), 1.0)])));
        for bad in ["", "a=", "a=nan", "=1", "a=1,a=2", "a,,b"] {
            assert!(spec(bad).is_err_and(|m| m.contains("--reward")), "{bad}");
        }
        assert_eq!(spec("a=1,b=.5").map(|s| s.to_string()), Ok("1·a + 0.5·b".into()));
    }

    #[test]
    fn the_reward_is_guessed_by_name_or_as_the_only_candidate() {
        let guess = |names: &[&str]| guess_reward(Path::new("x.csv"), &columns(names)).map(|s| s.to_string());
        assert_eq!(guess(&["step", "reward", "proxy"]).ok().as_deref(), Some("proxy"));
        assert_eq!(guess(&["step", "loss", "optim/epoch"]).ok().as_deref(), Some("loss"));
        let error = guess(&["step", "rm_reward", "format_reward"]);
        assert!(error.is_err_and(|e| e.help().is_some_and(|h| h.contains("rm_reward=1,format_reward=0.5"))));
    }

    #[test]
    fn step_means_have_one_row_a_step_and_no_rollout_column() {
        assert!(may_be_aggregate(&columns(&["step", "reward/g"])).is_some());
        assert!(may_be_aggregate(&columns(&["step", "reward", "prompt"])).is_none());
        assert!(may_be_aggregate(&columns(&["reward"])).is_none());
        let holds = |rows: &[(u64, u64)]| {
            let mut means = StepMeans::default();
            rows.iter().for_each(|(run, step)| means.see(*run, *step));
            means.holds()
        };
        assert!(holds(&[(1, 0), (1, 5), (2, 0), (2, 5)]));
        assert!(!holds(&[(1, 0), (1, 0), (1, 1)]));
        assert!(!holds(&[(1, 3)]));
    }
}
