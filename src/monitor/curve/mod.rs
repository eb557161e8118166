//! What step means can answer: trend, spread, changes of level, and whether a reward and an evaluation part.
//!
//! A mean hides single rollouts: nothing here says what a policy did, only how its averages went.

mod change;
mod kendall;
mod pair;
mod series;

pub use change::{Change, changes};
pub use pair::{Pair, Parting, pair};
pub use series::{Curve, Series, curve};

/// What a column of means is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What is optimised.
    Reward,
    /// What is not: a held-out measure.
    Evaluation,
    /// Neither.
    Other,
}

/// Words that name a measure that is not optimised.
const EVALUATION: &[&str] = &[
    "eval",
    "evaluation",
    "val",
    "valid",
    "validation",
    "test",
    "gold",
    "heldout",
    "holdout",
    "true",
    "utility",
];
/// Words that name what is optimised.
const REWARD: &[&str] =
    &["reward", "rewards", "score", "scores", "return", "returns", "proxy", "accuracy", "acc", "rew"];
/// Words that say that a column is of something else than a mean, or that less of it is better.
const NOT_A_MEAN: &[&str] = &[
    "std",
    "sd",
    "var",
    "min",
    "max",
    "time",
    "step",
    "steps",
    "count",
    "num",
    "loss",
    "kl",
    "lr",
    "grad",
    "norm",
    "second",
    "seconds",
    "runtime",
    "samples",
    "tokens",
    "speed",
    "throughput",
    "latency",
    "memory",
    "perplexity",
    "ppl",
    "error",
    "errors",
    "err",
    "wer",
    "cer",
    "mse",
    "rmse",
    "mae",
    "violation",
    "violations",
    "failure",
    "failures",
    "toxicity",
];

impl Role {
    /// The role of a column of this name.
    pub fn of(name: &str) -> Self {
        let lower = name.to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let any = |known: &[&str]| words.iter().any(|word| known.contains(word));
        let measured = any(REWARD);
        match () {
            () if any(NOT_A_MEAN) => Self::Other,
            () if any(EVALUATION) => Self::Evaluation,
            () if measured => Self::Reward,
            () => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_optimised() {
        for (name, role) in [
            ("train/reward", Role::Reward),
            ("critic/score/mean", Role::Reward),
            ("rollout/ep_rew_mean", Role::Reward),
            ("eval/reward", Role::Evaluation),
            ("gold_score", Role::Evaluation),
            ("val-core/gsm8k/reward/mean@1", Role::Evaluation),
            ("rewards/format/std", Role::Other),
            ("eval_samples_per_second", Role::Other),
            ("eval_error_rate", Role::Other),
            ("train/loss", Role::Other),
            ("evaluated_by", Role::Other),
        ] {
            assert_eq!(Role::of(name), role, "{name}");
        }
    }
}
