//! What columns are called: names that trainers, loggers and environments write, by what they mean.

use super::cell::{Column, Counts, Kind};
use super::spelling::has_word;

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
    "it",
    "n_update",
    "n_updates",
    "update_step",
    "n_iter",
    "consumed_samples",
    "samples_seen",
    "consumed_tokens",
    "tokens_seen",
    "epoch",
];
/// Clocks, which put rollouts in order and name no step.
pub(super) const CLOCK: &[&str] = &["timestamp", "_timestamp", "time", "datetime", "date", "created_at"];
/// Counters by which step means are told, though no rollout is put in order by them.
pub(super) const EPOCH: &[&str] = &["epoch"];
pub(super) const RUN: &[&str] =
    &["train_id", "run_id", "run", "run_name", "exp_name", "experiment_id", "experiment_name", "experiment"];
/// Columns that name a run where in each of their values the steps begin anew.
pub(super) const PERHAPS_RUN: &[&str] = &["seed", "model", "model_name", "algo", "algorithm"];
/// Columns of which each value has a row of its own at a step, where rows are means: over the rollouts of a process or of a data set.
pub(super) const PART: &[&str] = &[
    "rank",
    "local_rank",
    "worker",
    "worker_id",
    "process",
    "gpu",
    "device",
    "node",
    "dataset",
    "dataset_name",
    "data_source",
    "domain",
    "split",
    "subset",
    "source",
];
/// Columns that say of how many rollouts a row is the mean.
pub(super) const ROLLOUTS: &[&str] =
    &["n", "count", "n_samples", "num_samples", "n_rollouts", "num_rollouts", "n_episodes", "num_episodes"];
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
    "input_prompt",
    "prompt_text",
    "prompt_str",
    "input_text",
    "user_prompt",
];
/// What a model wrote, for certain.
pub(super) const COMPLETION: &[&str] = &[
    "completion",
    "output",
    "response",
    "generation",
    "model_output",
    "model_response",
    "generated_text",
    "output_response",
    "solution_str",
    "response_text",
    "response_str",
    "completion_text",
    "output_text",
    "generated_response",
    "raw_response",
    "assistant_response",
    "completions",
    "responses",
    "outputs",
    "generations",
    "resps",
    "filtered_resps",
    "content",
];
/// What a model may have written; the later ones are as often the truth that it is compared with.
pub(super) const PERHAPS_COMPLETION: &[&str] =
    &["generated", "model_answer", "text", "prediction", "pred", "answer", "solution"];
/// Those that are the truth unless it is seen that they differ between the rollouts of a prompt.
const TRUTH: &[&str] = &["answer", "solution"];
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
/// Columns that name a conversation, whose rows are one rollout together where a row is a turn of it.
const CONVERSATION: &[&str] = &[
    "conversation_id",
    "conversation",
    "conv_id",
    "dialog_id",
    "dialogue_id",
    "chat_id",
    "thread_id",
    "session_id",
    "rollout_id",
    "sample_id",
    "request_id",
];
/// Columns that count the turns of a conversation.
const TURN: &[&str] = &[
    "turn",
    "turn_id",
    "turn_idx",
    "turn_index",
    "turn_number",
    "turn_num",
    "message_idx",
    "message_index",
    "message_id",
    "msg_idx",
];
/// Columns that say who speaks.
const SPEAKER: &[&str] = &["role", "speaker"];
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

/// A name as programs write it: `Training Step`, `training-step` and `trainingStep` are `training_step`.
pub(super) fn snake(name: &str) -> String {
    let (mut snake, mut before) = (String::with_capacity(name.len() + 4), ' ');
    for c in name.trim().chars() {
        match c {
            ' ' | '-' => snake.push('_'),
            c if c.is_ascii_uppercase() && before.is_ascii_lowercase() => {
                snake.extend(['_', c.to_ascii_lowercase()]);
            }
            c => snake.push(c.to_ascii_lowercase()),
        }
        before = c;
    }
    snake
}

/// Whether a column has this name, in whatever letters.
fn is_called(column: &Column, name: &str) -> bool {
    is_named(&column.name, name)
}

/// Whether a name is this one, in whatever letters.
pub(super) fn is_named(column: &str, name: &str) -> bool {
    column.trim().eq_ignore_ascii_case(name) || snake(column) == name
}

/// Whether a column's numbers may count rollouts, so that it is looked at how they go on.
pub(super) fn may_count(column: &Column) -> bool {
    let named = || EPISODE.iter().chain(ROLLOUTS).any(|name| is_called(column, name));
    column.kind == Kind::Number && column.whole && named()
}

/// The first of these names that a column has: as it is, in other letters, and, if `nested`, as the last key of one.
pub(super) fn pick(columns: &[Column], names: &[&str], nested: bool) -> Option<String> {
    let known = |fits: &dyn Fn(&str, &str) -> bool| {
        names.iter().find_map(|name| columns.iter().find(|column| fits(&column.name, name)))
    };
    let found = known(&|column, name| column == name)
        .or_else(|| known(&|column, name| column.trim().eq_ignore_ascii_case(name)))
        .or_else(|| known(&|column, name| snake(column) == name));
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

/// What a model wrote: a column that is surely it, else one that may be; none of `not`, unless nothing else is surely it.
pub(super) fn completion(columns: &[Column], not: &[String]) -> Option<String> {
    let open: Vec<Column> = columns.iter().filter(|c| !not.contains(&c.name)).cloned().collect();
    pick(&open, COMPLETION, true)
        .or_else(|| pick(&open, PERHAPS_COMPLETION, false))
        .or_else(|| pick(columns, COMPLETION, true))
}

/// Columns that may be what a model wrote, beside its prompt, if it takes a look at them to tell.
pub(super) fn may_be_completions(columns: &[Column]) -> Vec<String> {
    let named = |c: &&Column, names: &[&str]| names.iter().any(|name| is_called(c, name));
    let filled = || columns.iter().filter(|c| c.kind != Kind::Empty);
    let sure = filled().filter(|c| named(c, COMPLETION)).count();
    let perhaps = filled().filter(|c| named(c, PERHAPS_COMPLETION)).count();
    if sure == 1 || sure + perhaps == 0 {
        return Vec::new();
    }
    filled()
        .filter(|c| named(c, COMPLETION) || named(c, PERHAPS_COMPLETION))
        .map(|c| c.name.clone())
        .collect()
}

/// Whether a name says the truth at least as often as what was written.
pub(super) fn may_be_truth(name: &str) -> bool {
    TRUTH.iter().any(|known| is_named(name, known))
}

/// The column of outcomes, where they tell what was sampled: no truth values, no measures, and no few words.
pub(super) fn outcome(columns: &[Column]) -> Option<String> {
    let name = pick(columns, OUTCOME, false)?;
    let column = columns.iter().find(|column| column.name == name)?;
    let tells = match column.kind {
        Kind::Flag | Kind::Empty => false,
        Kind::Number => column.whole && column.counts != Counts::Few,
        Kind::List | Kind::Other => column.counts != Counts::Few,
    };
    tells.then_some(name)
}

/// The first of these names that a numeric column has.
pub(super) fn pick_number(columns: &[Column], names: &[&str]) -> Option<String> {
    let numeric: Vec<Column> = columns.iter().filter(|c| c.kind == Kind::Number).cloned().collect();
    pick(&numeric, names, false)
}

/// Whether a column says that a row is one rollout and not a mean over a step.
pub(super) fn sign_of_rollouts(columns: &[Column]) -> Option<&str> {
    let own = |names: &[&str], fits: &dyn Fn(&Column) -> bool| {
        let is_one = |c: &&Column| names.iter().any(|name| is_called(c, name)) && fits(c);
        columns.iter().filter(|c| c.kind != Kind::Empty).find(is_one)
    };
    let of_trainer = columns.iter().any(is_report);
    let kinds = [PROMPT, COMPLETION, PERHAPS_COMPLETION, GROUP, OUTCOME];
    let named = kinds.iter().find_map(|names| own(names, &|_| true));
    // A number that goes up by more than one counts the episodes so far, and so it may beside a trainer's report.
    let numbers_one = |c: &Column| match (c.kind, c.counts) {
        (Kind::Number, Counts::ByMore) => false,
        (Kind::Number, Counts::Otherwise | Counts::Several) => !of_trainer,
        _ => true,
    };
    let episode = || own(EPISODE, &numbers_one);
    // Beside such a report a length is a mean over a step, whole or not.
    let length = || own(OWN_LENGTH, &|c| c.kind == Kind::Number && c.whole && !of_trainer);
    let nested = || {
        let below =
            |c: &&Column| c.name.contains('/') && matches!(leaf(&c.name).as_str(), "prompt" | "completion");
        columns.iter().find(below)
    };
    let column = named.or_else(episode).or_else(length).or_else(nested).or_else(|| monitor(columns))?;
    Some(&column.name)
}

/// Whether a column is what a trainer reports of a step.
fn is_report(column: &Column) -> bool {
    const WORDS: &[&str] = &["loss", "kl", "entropy", "lr", "epoch", "clipfrac"];
    const NAMES: &[&str] = &["grad_norm", "learning_rate", "reward_std"];
    has_word(&column.name, WORDS) || NAMES.contains(&leaf(&column.name).as_str())
}

/// Whether rows say that each is the mean of several rollouts.
pub(super) fn of_several(columns: &[Column]) -> bool {
    let says = |c: &Column| c.counts == Counts::Several && ROLLOUTS.iter().any(|name| is_called(c, name));
    columns.iter().any(says) && completion(columns, &[]).is_none()
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

/// The column that names the conversation of a row, or the episode of one that counts turns.
pub(super) fn conversation(columns: &[Column]) -> Option<String> {
    pick(columns, CONVERSATION, false).or_else(|| episode(columns))
}

/// The column that counts turns.
pub(super) fn turn(columns: &[Column]) -> Option<String> {
    let whole: Vec<Column> = columns.iter().filter(|c| c.kind == Kind::Number && c.whole).cloned().collect();
    pick(&whole, TURN, false)
}

/// The column that says who speaks.
pub(super) fn speaker(columns: &[Column]) -> Option<String> {
    let text: Vec<Column> = columns.iter().filter(|c| c.kind == Kind::Other).cloned().collect();
    pick(&text, SPEAKER, false)
}

/// The column of whole epochs.
pub(super) fn epoch(columns: &[Column]) -> Option<String> {
    let whole: Vec<Column> = columns.iter().filter(|c| c.kind == Kind::Number && c.whole).cloned().collect();
    pick(&whole, EPOCH, false)
}

/// Whether a column is known to be the step by its name alone.
pub(super) fn is_step(name: &str) -> bool {
    STEP.iter().any(|known| leaf(name) == *known || snake(name) == *known)
}

/// Whether a counter may count the steps of an episode.
pub(super) fn counts_within(name: &str) -> bool {
    ["steps", "timesteps", "iter", "iterations"].contains(&leaf(name).as_str())
}

/// Whether a row has a text or an outcome of its own.
pub(super) fn has_outcome(columns: &[Column]) -> bool {
    let named = |names: &&[&str]| pick(columns, names, true).is_some();
    completion(columns, &[]).is_some() || [PROMPT, OUTCOME].iter().any(named)
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
        names
            .iter()
            .map(|n| Column {
                name: (*n).to_owned(),
                kind: Kind::Number,
                whole: true,
                counts: Counts::Otherwise,
            })
            .collect()
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
    fn names_are_known_however_they_are_written() {
        let step = |name: &str| pick(&columns(&[name]), STEP, true);
        for name in ["Training Step", "training-step", "trainingStep", "Global_Step", "globalStep"] {
            assert_eq!(step(name).as_deref(), Some(name));
        }
        assert_eq!((snake("Wall time"), snake("URLStep")), ("wall_time".to_owned(), "urlstep".to_owned()));
    }

    #[test]
    fn a_count_of_episodes_is_no_number_of_one() {
        let with = |counts: Counts, names: &[&str]| {
            let mut found = columns(names);
            found[1].counts = counts;
            sign_of_rollouts(&found).is_some()
        };
        for name in ["episode", "rollout_id", "call_id"] {
            assert!(with(Counts::ByOne, &["step", name, "reward"]), "{name}");
            assert!(with(Counts::Otherwise, &["step", name, "reward"]), "{name}");
            assert!(!with(Counts::ByMore, &["step", name, "reward"]), "{name}: so many so far");
            assert!(with(Counts::ByOne, &["step", name, "reward", "loss"]), "{name}: one update each");
            assert!(!with(Counts::Otherwise, &["step", name, "reward", "loss"]), "{name}: an outer loop");
        }
        let of = |numbers: &[f64]| Counts::of(numbers);
        assert_eq!([of(&[0.0, 1.0, 2.0]), of(&[512.0, 1024.0])], [Counts::ByOne, Counts::ByMore]);
        assert_eq!(
            [of(&[16.0, 16.0]), of(&[7.0]), of(&[1.0, 1.0])],
            [Counts::Several, Counts::Several, Counts::Otherwise]
        );
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
        for report in ["reward_std", "kl", "policy/entropy", "loss/policy_avg", "epoch"] {
            let trainer = columns(&["step", "reward", report, "completion_length"]);
            assert_eq!(sign_of_rollouts(&trainer), None, "a trainer's report: {report}");
        }
        mean[2].whole = false;
        assert_eq!(sign_of_rollouts(&mean), None, "a mean length");
    }
}
