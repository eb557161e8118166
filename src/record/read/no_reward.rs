//! Columns that hold no reward whatever their numbers are: the truth that answers are compared with, masks and ids of tokens, and
//! what a model wrote. What is said of a log that has them.

use super::reward_words::speaks_of_reward;
use super::spelling::has_word;

/// Words of a name that say the truth, or what a model answered.
const ANSWERS: &[&str] = &[
    "answer", "answers", "expected", "gold", "golden", "gt", "gts", "label", "labels", "solution", "target",
    "targets", "truth",
];
/// Words that say that the answer is the model's.
const OF_MODEL: &[&str] =
    &["extracted", "final", "generated", "model", "parsed", "policy", "pred", "predicted", "sampled"];
const MASKS: &[&str] = &["mask", "masks"];
const IDS: &[&str] = &["ids"];
/// What the model wrote, in samples of lm-eval: all of it, and what was compared with the target.
const RESPONSES: [&str; 2] = ["resps", "filtered_resps"];
/// Names that are listed.
const SHOWN: usize = 3;

/// The last key of a name as it is written: its humps part words.
fn last_key(name: &str) -> &str {
    name.rsplit('/').find(|part| *part != "*").unwrap_or_default().trim()
}

/// Whether a column is an answer, the truth, a mask or a list of ids: nobody is paid by it.
pub(super) fn is_no_reward(name: &str) -> bool {
    let leaf = last_key(name);
    let says = |words: &[&str]| has_word(leaf, words);
    says(MASKS) || says(IDS) || RESPONSES.contains(&leaf) || says(ANSWERS) && !speaks_of_reward(leaf)
}

/// Whether a column is the truth that answers are compared with, and not what the model wrote.
pub(super) fn is_truth(name: &str) -> bool {
    let leaf = last_key(name);
    has_word(leaf, ANSWERS) && !has_word(leaf, OF_MODEL) && !speaks_of_reward(leaf)
}

/// Names in words.
fn named(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN { " …" } else { "" };
    match shown.as_slice() {
        [rest @ .., last] if !rest.is_empty() && more.is_empty() => {
            format!("{} and {last}", rest.join(", "))
        }
        shown => shown.join(", ") + more,
    }
}

/// What samples of lm-eval hold, of a log that has their columns.
pub(super) fn of_evaluation(columns: &[String]) -> Option<String> {
    let responses = RESPONSES.iter().find(|name| columns.iter().any(|column| column == *name))?;
    let truth = if columns.iter().any(|column| column == "target") { ", `target` the truth" } else { "" };
    Some(format!(
        "these are samples of lm-eval: `{responses}` is what the model wrote{truth}, and the reward is the metric of the task, as \
         `exact_match` or `acc`"
    ))
}

/// Which columns of a log without a candidate were passed over, and why.
pub(super) fn passed_over(columns: &[String]) -> Option<String> {
    let of = |fits: &dyn Fn(&str) -> bool| -> Vec<&str> {
        columns.iter().map(String::as_str).filter(|name| fits(name)).collect()
    };
    let said = |names: Vec<&str>, one: &str, several: &str| match names.as_slice() {
        [] => None,
        [_] => Some(format!("{} {one}", named(&names))),
        _ => Some(format!("{} {several}", named(&names))),
    };
    let last = |name: &str, words: &[&str]| has_word(last_key(name), words);
    let all: Vec<String> = [
        said(of(&is_truth), "is what answers are compared with", "are what answers are compared with"),
        said(of(&|name| last(name, MASKS)), "is a mask of tokens", "are masks of tokens"),
        said(
            of(&|name| last(name, IDS) && !last(name, MASKS)),
            "is a list of ids of tokens",
            "are lists of ids of tokens",
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!all.is_empty()).then(|| format!("{}: nobody is paid by that", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truths_masks_and_ids_are_no_rewards() {
        for name in [
            "ground_truth",
            "reward_model/ground_truth",
            "target",
            "label",
            "gts",
            "groundTruth",
            "completion_mask",
            "attention_mask",
            "mask",
            "reward_mask",
            "input_ids",
            "filtered_resps",
            "extracted_answer",
        ] {
            assert!(is_no_reward(name), "{name}");
        }
        for name in
            ["answer_reward", "gold_score", "label_match", "answer/score", "quality", "masked_lm_score"]
        {
            assert!(!is_no_reward(name), "{name}");
        }
        assert!(is_truth("reference_answer") && !is_truth("model_answer") && !is_truth("answer_score"));
    }

    #[test]
    fn what_was_passed_over_is_named() {
        let columns: Vec<String> =
            ["step", "ground_truth", "mask", "loss_mask", "input_ids"].map(str::to_owned).to_vec();
        assert_eq!(
            passed_over(&columns).as_deref(),
            Some(
                "`ground_truth` is what answers are compared with, `mask` and `loss_mask` are masks of tokens, `input_ids` is a list \
                 of ids of tokens: nobody is paid by that"
            )
        );
        assert_eq!(passed_over(&["step".to_owned()]), None);
        assert!(of_evaluation(&["resps".to_owned()]).is_some_and(|said| !said.contains("target")));
    }
}
