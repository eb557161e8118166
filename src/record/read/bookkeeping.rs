//! Which numbers no one rewards, and which names speak of a reward.

use super::names::{
    ADVANTAGE, EPISODE, EPOCH, GROUP, LENGTH, LOG_PROB, OUTCOME, OWN_LENGTH, PROMPT, REF_LOG_PROB, RUN, STEP,
    leaf, snake,
};
use super::names::{COMPLETION, PERHAPS_COMPLETION};
use super::no_reward::is_no_reward;
use super::reward_words::{OWN_WORDS, REWARD_WORDS, speaks_of_reward};
use super::spelling::{has_word, words};

/// Numbers that no one rewards: indexes, counters, clocks, settings, and what an optimiser reports.
const BOOKKEEPING: &[&str] = &[
    "",
    "index",
    "idx",
    "id",
    "row",
    "rank",
    "seed",
    "timestamp",
    "time",
    "arm",
    "replicate",
    "runtime",
    "_runtime",
    "_timestamp",
    "wall time",
    "wall_time",
    "walltime",
    "count",
    "version",
    "t",
    "l",
    "lr",
    "learning_rate",
    "percentage",
    "progress",
    "elapsed",
    "duration",
    "weight",
    "temperature",
    "loss",
    "kl",
    "entropy",
    "grad_norm",
    "line",
    "size",
    "turn",
    "turns",
    "sample",
    "std",
    "weights",
    "cost",
    "price",
    "n",
    "stdev",
    "latency",
    "tokens",
    "batch",
];
const BOOKKEEPING_STARTS: &[&str] =
    &["num_", "n_", "total_", "max_", "min_", "unnamed:", "__index_level", "relative time"];
const BOOKKEEPING_ENDS: &[&str] = &[
    "_id",
    "_idx",
    "_index",
    "_seed",
    "_step",
    "_steps",
    "_time",
    "_timestamp",
    "_ms",
    "_sec",
    "_secs",
    "_seconds",
    "_count",
    "_tokens",
    "_version",
    "_epoch",
    "_rank",
    "_uid",
    "_runtime",
    "_loss",
    "_length",
    "_lengths",
    "_s",
    "_std",
    "_var",
    "_scale",
    "_weight",
    "_threshold",
    "_clip",
    "_coef",
    "_cost",
    "_usd",
    "_at",
    "_latency",
    "_batch",
    "-step",
    "-timestamp",
    "__min",
    "__max",
];
/// Words that say that it is something else.
const OTHER_WORDS: &[&str] = &[
    "baseline",
    "code",
    "confidence",
    "date",
    "latency",
    "max",
    "min",
    "number",
    "std",
    "target",
    "threshold",
];
/// Words of a name that say that its values are means already.
const MEANS: &[&str] = &["mean", "avg", "average", "ema", "smoothed"];

/// Whether a column is an index, a counter, a clock, or has another role: never a reward.
pub(super) fn is_bookkeeping(name: &str) -> bool {
    const ROLES: [&[&str]; 13] = [
        STEP,
        EPOCH,
        RUN,
        PROMPT,
        COMPLETION,
        PERHAPS_COMPLETION,
        GROUP,
        OUTCOME,
        LENGTH,
        LOG_PROB,
        REF_LOG_PROB,
        ADVANTAGE,
        EPISODE,
    ];
    let last = name.rsplit('/').next().unwrap_or(name);
    let is_one = |leaf: &str| {
        ROLES.iter().any(|names| names.contains(&leaf))
            || OWN_LENGTH.contains(&leaf)
            || BOOKKEEPING.contains(&leaf)
            || BOOKKEEPING_STARTS.iter().any(|start| leaf.starts_with(start))
            || BOOKKEEPING_ENDS.iter().any(|end| leaf.ends_with(end))
    };
    let whole = name.to_ascii_lowercase();
    ROLES.iter().any(|names| names.contains(&whole.as_str()))
        || is_one(&leaf(name))
        || is_one(&snake(last))
        || is_no_reward(name)
}

/// Whether a name says that it numbers or names something.
pub(super) fn is_id(name: &str) -> bool {
    has_word(name, &["id", "ids", "idx", "index", "uid"]) && !speaks_of_reward(name)
}

/// Whether a name may be taken for a reward unasked: it speaks of one, and of nothing else.
pub(super) fn may_be_guessed(name: &str) -> bool {
    let own = !name.contains('/') && has_word(name, OWN_WORDS);
    !name.contains('*') && (own || has_word(name, REWARD_WORDS)) && !has_word(name, OTHER_WORDS)
}

/// Whether the last key of a name says that it is no reward, whatever stands before it: `reward_model/ground_truth`.
pub(super) fn is_other(name: &str) -> bool {
    const WORDS: &[&str] =
        &["answer", "answers", "difficulty", "gold", "hardness", "label", "level", "temperature", "truth"];
    let leaf = leaf(name);
    has_word(&leaf, WORDS) || has_word(&leaf, OTHER_WORDS)
}

/// Whether a name says no more than that it is a value: beside a completion it may be a critic's.
pub(super) fn is_value(name: &str) -> bool {
    let said = |word: &String| word == "value" || !OWN_WORDS.contains(&word.as_str());
    has_word(name, &["value"]) && !has_word(name, REWARD_WORDS) && words(name).iter().all(said)
}

/// Whether a name says that its values are means already.
pub(super) fn is_mean(name: &str) -> bool {
    has_word(name, MEANS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_indexes_and_clocks_are_no_rewards() {
        for name in [
            "_timestamp",
            "_runtime",
            "Wall time",
            "",
            "Unnamed: 0",
            "__index_level_0__",
            "task/data/idx",
            "a/id",
            "b/seed",
            "x/step",
            "c/num_turns",
            "total_steps",
            "percentage",
            "epoch",
            "Epoch",
            "gen_time",
            "loss",
            "globalStep",
            "Training Step",
        ] {
            assert!(is_bookkeeping(name), "{name}");
        }
        for name in
            ["Value", "train/reward", "acc_reward", "value", "quality", "traces/*/rewards/correct/score"]
        {
            assert!(!is_bookkeeping(name), "{name}");
        }
        for name in [
            "value",
            "train/reward",
            "acc",
            "rm_out",
            "user_rating",
            "totalReward",
            "exact_match",
            "is_correct",
        ] {
            assert!(may_be_guessed(name), "{name}");
        }
        for name in
            ["task/data/difficulty", "traces/*/reward", "latency", "ground_truth", "task/value", "accent"]
        {
            assert!(!may_be_guessed(name), "{name}");
        }
        for name in
            ["cost_usd", "cost", "rewarded_at", "elapsed_s", "sample", "reward_std", "info/score_threshold"]
        {
            assert!(is_bookkeeping(name), "{name}");
        }
        for name in [
            "train/reward-step",
            "train/reward-timestamp",
            "run - reward__MIN",
            "Relative Time (Process)",
            "output/model_latency",
            "feedback_stats/correctness/stdev",
            "global_batch",
        ] {
            assert!(is_bookkeeping(name), "{name}");
        }
        assert!(is_mean("episode_reward_mean") && is_mean("avg/return") && !is_mean("meaning_score"));
    }
}
