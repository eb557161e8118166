//! A finished experiment as a panel: its question, and the expectations that its config states.

use super::panel::{Panel, Word};
use crate::record::folder::RunFolder;
use crate::report::tables::{Table, checks};

/// Verdicts of a check.
const AGREES: &str = "agrees";
const DIFFERS: &str = "differs";

/// What a run folder says of its own expectations.
pub(super) fn panel(run: &RunFolder) -> Panel {
    let count = |verdict: &str| run.checks.iter().filter(|check| check.verdict == verdict).count();
    let (all, agree, differ) = (run.checks.len(), count(AGREES), count(DIFFERS));
    let word = match (all, agree, differ) {
        (0, ..) => Word::NotCompared,
        (_, _, 1..) => Word::Differs,
        (all, agree, _) if all == agree => Word::Agrees,
        _ => Word::NotCompared,
    };
    let sentence = match all {
        0 => "Its config states no expectation.".to_owned(),
        _ => format!(
            "Of {all} expectations that its config states, {agree} agree and {differ} differ{}.",
            match all - agree - differ {
                0 => String::new(),
                other => format!("; {other} could not be compared"),
            }
        ),
    };
    let empty = Table { title: String::new(), header: Vec::new(), rows: Vec::new() };
    Panel {
        title: run.plan.name.clone(),
        claim: run.plan.question.clone(),
        word,
        told: word.text(),
        sentence,
        evidence: checks(run).unwrap_or(empty),
    }
}
