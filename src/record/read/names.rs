//! What columns are called: names that trainers, loggers and environments write, by what they mean.

use super::cell::{Column, Kind};

/// The raw proxy reward, in order of preference. `proxy` comes first because logs of this program also hold the
/// shaped `reward`.
pub(super) const PROXY: &[&str] = &[
    "proxy",
    "reward",
    "score",
    "rewards",
    "total_reward",
    "reward_total",
    "episode_reward",
    "return",
    "episode_return",
];
pub(super) const STEP: &[&str] = &[
    "step",
    "global_step",
    "progress/step",
    "train_step",
    "training_step",
    "optimizer_step",
    "iteration",
    "training_iteration",
    "_step",
    "gen_step",
    "current_steps",
    "current_step",
    "iter",
    "iterations",
    "timesteps",
    "total_timesteps",
    "timesteps_total",
    "num_timesteps",
    "env_steps",
    "tail_version",
    "policy_version",
    "weight_version",
    "trainer_step",
    "learner_step",
    "steps",
];
/// Columns that may be the training step, where no other says it.
pub(super) const PERHAPS_STEP: &[&str] = &[
    "update",
    "updates",
    "batch",
    "batch_idx",
    "rollout_step",
    "policy_step",
    "round",
    "outer_step",
    "time_step",
    "num_updates",
    "epoch",
];
/// Counters by which step means are told, though no rollout is put in order by them.
pub(super) const EPOCH: &[&str] = &["epoch"];
pub(super) const RUN: &[&str] =
    &["train_id", "run_id", "run", "run_name", "exp_name", "experiment_id", "experiment_name", "experiment"];
/// Columns that name a run where in each of their values the steps begin anew.
pub(super) const PERHAPS_RUN: &[&str] = &["seed", "model", "model_name", "algo", "algorithm"];
/// Columns that name the metric of a row, in tables of one value a row.
pub(super) const SERIES: &[&str] = &["tag", "metric", "metric_name", "metric_key", "key", "name"];
/// The value of such a row.
pub(super) const SERIES_VALUE: &[&str] = &["value", "metric_value", "scalar_value"];
pub(super) const PROMPT: &[&str] = &[
    "prompt",
    "input",
    "question",
    "query",
    "prompt_id",
    "prompt_idx",
    "prompts",
    "problem",
    "instruction",
    "question_id",
    "problem_id",
    "instance_id",
    "task_id",
];
pub(super) const COMPLETION: &[&str] = &[
    "completion",
    "output",
    "response",
    "generation",
    "model_output",
    "model_response",
    "generated_text",
    "prediction",
    "pred",
    "answer",
    "completions",
    "responses",
    "outputs",
    "content",
];
pub(super) const GROUP: &[&str] = &["group", "group_id", "uid", "group/id", "group_idx", "prompt_uid"];
pub(super) const LENGTH: &[&str] =
    &["length", "completion_length", "response_length", "completion_tokens", "response_tokens", "num_tokens"];
pub(super) const LOG_PROB: &[&str] =
    &["log_prob", "logprob", "logp", "log_probs", "logprobs", "old_log_prob"];
pub(super) const REF_LOG_PROB: &[&str] =
    &["ref_log_prob", "ref_logprob", "ref_logp", "ref_log_probs", "ref_logprobs", "reference_log_prob"];
pub(super) const ADVANTAGE: &[&str] = &["advantage", "advantages", "adv"];
pub(super) const OUTCOME: &[&str] = &["outcome"];
/// Columns that number single rollouts.
pub(super) const EPISODE: &[&str] = &[
    "trajectory",
    "episode",
    "episode_id",
    "episode_idx",
    "ep",
    "call_id",
    "call",
    "rollout",
    "rollout_id",
    "rollout_idx",
    "sample_id",
    "sample_idx",
    "sample_index",
    "trajectory_id",
    "request_id",
    "completion_id",
    "generation_id",
];
/// Those of them that count the episodes of a run, one after the other, where they ascend.
const ORDINAL: &[&str] = &["episode", "ep", "episode_idx", "episode_id", "trajectory"];
/// Those of them whose rows are one rollout together, where a row is a step of it.
const WHOLE: &[&str] = &["episode", "episode_id", "episode_idx", "ep", "trajectory", "trajectory_id"];
/// Names of single rollouts, where they are text.
const OWN_ID: &[&str] =
    &["id", "episode_id", "rollout_id", "trajectory_id", "uuid", "request_id", "sample_uuid"];
/// Lengths that a row has only if it is a rollout, where they are whole numbers. `num_tokens` counts up in trainers' logs.
pub(super) const OWN_LENGTH: &[&str] = &[
    "length",
    "completion_length",
    "response_length",
    "completion_tokens",
    "response_tokens",
    "episode_length",
    "episodic_length",
    "ep_length",
    "ep_len",
];

/// The last key of a name, in small letters.
pub(super) fn leaf(name: &str) -> String {
    name.rsplit('/').find(|part| *part != "*").unwrap_or_default().trim().to_ascii_lowercase()
}

/// The first of these names that a column has: as it is, in other letters, and, if `nested`, as the last key of one.
pub(super) fn pick(columns: &[Column], names: &[&str], nested: bool) -> Option<String> {
    let known = |fits: &dyn Fn(&str, &str) -> bool| {
        names.iter().find_map(|name| columns.iter().find(|column| fits(&column.name, name)))
    };
    let found = known(&|column, name| column == name)
        .or_else(|| known(&|column, name| column.trim().eq_ignore_ascii_case(name)));
    if let Some(column) = found {
        return Some(column.name.clone());
    }
    if !nested {
        return None;
    }
    let inside = |column: &&Column| column.name.contains('/') && !column.name.contains('*');
    let ends_on =
        |name: &str| columns.iter().filter(inside).filter(|c| leaf(&c.name) == name).collect::<Vec<_>>();
    let several = names.iter().map(|name| ends_on(name)).find(|found| !found.is_empty())?;
    match several.as_slice() {
        [one] => Some(one.name.clone()),
        _ => {
            let of_training = |column: &&&Column| {
                column.name.split('/').any(|part| {
                    matches!(
                        part.to_ascii_lowercase().as_str(),
                        "train" | "trainer" | "run" | "progress" | "work"
                    )
                })
            };
            several.iter().find(of_training).map(|column| column.name.clone())
        }
    }
}

/// The first of these names that a numeric column has.
pub(super) fn pick_number(columns: &[Column], names: &[&str]) -> Option<String> {
    let numeric: Vec<Column> = columns.iter().filter(|c| c.kind == Kind::Number).cloned().collect();
    pick(&numeric, names, false)
}

/// Whether a column says that a row is one rollout and not a mean over a step.
pub(super) fn sign_of_rollouts(columns: &[Column]) -> Option<&str> {
    let own = |names: &[&str]| {
        let is_one = |c: &&Column| names.iter().any(|name| c.name.trim().eq_ignore_ascii_case(name));
        columns.iter().filter(|c| c.kind != Kind::Empty).find(is_one)
    };
    let kinds = [PROMPT, COMPLETION, GROUP, OUTCOME, EPISODE];
    let named = kinds.iter().find_map(|names| own(names));
    // Beside what a trainer reports of a step, a length is a mean over it, whole or not.
    let reports = ["loss", "grad_norm", "learning_rate", "lr", "reward_std"];
    let of_trainer = || columns.iter().any(|c| reports.contains(&leaf(&c.name).as_str()));
    let length = || {
        let is_length = |c: &Column| OWN_LENGTH.iter().any(|name| c.name.trim().eq_ignore_ascii_case(name));
        columns.iter().find(|c| is_length(c) && c.kind == Kind::Number && c.whole)
    };
    let nested = || {
        let below =
            |c: &&Column| c.name.contains('/') && matches!(leaf(&c.name).as_str(), "prompt" | "completion");
        columns.iter().find(below)
    };
    let length = || length().filter(|_| !of_trainer());
    let column = named.or_else(length).or_else(nested).or_else(|| monitor(columns))?;
    Some(&column.name)
}

/// The column that names each rollout in words; numbers may count anew in each file.
pub(super) fn own_id(columns: &[Column]) -> Option<String> {
    pick(columns, OWN_ID, false)
        .filter(|name| columns.iter().any(|c| c.name == *name && c.kind == Kind::Other))
}

/// The column that names the episode or trajectory of a row.
pub(super) fn episode(columns: &[Column]) -> Option<String> {
    pick(columns, WHOLE, false)
}

/// The column of whole epochs.
pub(super) fn epoch(columns: &[Column]) -> Option<String> {
    let whole: Vec<Column> = columns.iter().filter(|c| c.kind == Kind::Number && c.whole).cloned().collect();
    pick(&whole, EPOCH, false)
}

/// Whether a counter may count the steps of an episode.
pub(super) fn counts_within(name: &str) -> bool {
    ["steps", "timesteps", "iter", "iterations"].contains(&leaf(name).as_str())
}

/// Whether a row has a text or an outcome of its own.
pub(super) fn has_outcome(columns: &[Column]) -> bool {
    [PROMPT, COMPLETION, OUTCOME].iter().any(|names| pick(columns, names, true).is_some())
}

/// The reward of a `monitor.csv`: reward, length and time of each episode as `r`, `l` and `t`.
pub(super) fn monitor(columns: &[Column]) -> Option<&Column> {
    let named = |name: &str| columns.iter().find(|c| c.name == name && c.kind == Kind::Number);
    named("l").and(named("t")).and(named("r"))
}

/// The column that counts the episodes of a run.
pub(super) fn ordinal(columns: &[Column]) -> Option<String> {
    pick_number(columns, ORDINAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<Column> {
        names.iter().map(|n| Column { name: (*n).to_owned(), kind: Kind::Number, whole: true }).collect()
    }

    #[test]
    fn steps_are_found_whatever_their_letters_and_above() {
        let step = |names: &[&str]| pick(&columns(names), STEP, true);
        assert_eq!(step(&["_runtime", "_timestamp", "_step", "train/reward"]).as_deref(), Some("_step"));
        assert_eq!(step(&["Wall time", "Step", "Value"]).as_deref(), Some("Step"));
        assert_eq!(step(&["trainer/global_step", "r"]).as_deref(), Some("trainer/global_step"));
        assert_eq!(step(&["run/work/step", "task/data/step"]).as_deref(), Some("run/work/step"));
        assert_eq!(step(&["a/step", "b/step"]), None, "either");
        assert_eq!(step(&["traces/*/step"]), None);
    }

    #[test]
    fn rollouts_have_prompts_numbers_or_whole_lengths() {
        assert_eq!(sign_of_rollouts(&columns(&["step", "reward"])), None);
        assert_eq!(ordinal(&columns(&["Episode", "Reward"])).as_deref(), Some("Episode"));
        assert_eq!(sign_of_rollouts(&columns(&["step", "Length"])), Some("Length"));
        assert_eq!(sign_of_rollouts(&columns(&["step", "reward", "num_tokens"])), None);
        assert_eq!(sign_of_rollouts(&columns(&["r", "l", "t"])), Some("r"));
        assert_eq!(sign_of_rollouts(&columns(&["step", "reward", "call_id"])), Some("call_id"));
        let mut mean = columns(&["step", "reward", "completion_length"]);
        assert_eq!(sign_of_rollouts(&mean), Some("completion_length"));
        let trainer = columns(&["step", "reward", "reward_std", "completion_length"]);
        assert_eq!(sign_of_rollouts(&trainer), None, "a trainer's report");
        mean[2].whole = false;
        assert_eq!(sign_of_rollouts(&mean), None, "a mean length");
    }
}
