//! Words of a name that speak of a reward.

use super::spelling::has_word;

/// Words of which a name must have one to be taken for a reward unasked, within others too.
pub(super) const REWARD_WORDS: &[&str] =
    &["reward", "rewards", "score", "scores", "return", "returns", "proxy", "accuracy", "rew"];
/// Words that say it of a name that is not within others.
pub(super) const OWN_WORDS: &[&str] = &[
    "acc",
    "correct",
    "correctness",
    "em",
    "exact",
    "f1",
    "feedback",
    "fitness",
    "grade",
    "helpfulness",
    "judge",
    "judgement",
    "judgment",
    "match",
    "pass",
    "passed",
    "points",
    "preference",
    "pts",
    "quality",
    "r",
    "rating",
    "resolved",
    "rm",
    "solved",
    "success",
    "utility",
    "value",
    "verdict",
    "win",
];

/// Whether a word of a name speaks of a reward, or of what one is paid for.
pub(super) fn speaks_of_reward(name: &str) -> bool {
    has_word(name, REWARD_WORDS) || has_word(name, OWN_WORDS)
}
