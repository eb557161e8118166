//! What columns of the texts that a model wrote are called, and which of several is read.

use super::cell::{Column, Kind};
use super::names::{is_called, is_named, pick};

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
    "content",
];
/// What a model may have written; the later ones are as often the truth that it is compared with.
pub(super) const PERHAPS_COMPLETION: &[&str] =
    &["generated", "model_answer", "text", "prediction", "pred", "answer", "solution"];
/// Those that are the truth unless it is seen that they differ between the rollouts of a prompt.
const TRUTH: &[&str] = &["answer", "solution"];

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
