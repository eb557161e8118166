//! Detectors that need a column which no rollout of the run will have.

use super::Contradiction;
use crate::config::sections::Document;
use crate::detectors::DetectorSpec;
use crate::record::{DISAGREEMENT, GRADIENT_NORM};

/// What the detectors of an arm miss, by the column each needs.
pub(in crate::config) fn unobservable(document: &Document) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (i, detector) in document.detectors.iter().enumerate() {
        let (name, before) = (detector.name(), found.len());
        for column in detector.part().needs() {
            if let Some((why, help)) = lacking(document, &column) {
                found.push(Contradiction {
                    path: format!("detectors.{i}.{name}"),
                    message: format!("{name} needs {column}, which no rollout will have: {why}"),
                    help: format!("{help}, or remove the detector"),
                });
            }
        }
        if let DetectorSpec::RankMean(mean) = detector
            && found.len() == before
        {
            found.extend(nobody(document, mean.members.get(), format!("detectors.{i}.{name}")));
        }
    }
    found
}

/// Members that all miss something, be it each another column: one that misses it alone is left out when the run is judged.
fn nobody(document: &Document, members: &[DetectorSpec], path: String) -> Option<Contradiction> {
    let misses = |member: &DetectorSpec| {
        let lost = member.part().needs().into_iter();
        let mut lost = lost.filter_map(|column| Some((lacking(document, &column)?.0, column)));
        lost.next().map(|(why, column)| format!("{} needs {column} ({why})", member.name()))
    };
    let reasons: Vec<String> = members.iter().map(misses).collect::<Option<_>>()?;
    Some(Contradiction {
        path,
        message: format!("no member could score a rollout: {}", reasons.join("; ")),
        help: "name a member that has what it needs, or remove the detector".to_owned(),
    })
}

/// Why the rollouts of a run lack a column, and what would give it; `None` for one that they have, or that is of no known source.
fn lacking(document: &Document, column: &str) -> Option<(String, &'static str)> {
    let Document { environment, policy, trainer, .. } = document;
    let (acts, learns) = (policy.part().acts(), trainer.part().recipe().is_some());
    let learners = "train with reinforce, rloo, grpo or ppo";
    match column {
        "advantage" | GRADIENT_NORM if !learns => {
            Some((format!("trainer.{} does not learn from samples", trainer.name()), learners))
        }
        GRADIENT_NORM if !acts => Some((
            format!("policy.{} is a table, whose learner records none", policy.name()),
            "use influence instead, which goes by the advantage",
        )),
        "length" if !acts => Some((
            format!("an outcome of environment.{} is one action", environment.name()),
            "use an environment of several actions (tokens)",
        )),
        DISAGREEMENT if document.reward.ensemble.is_none() => {
            Some(("there is no ensemble whose members could disagree".to_owned(), "add reward.ensemble"))
        }
        "feature columns" if !document.record.activations => Some((
            "nothing but a network's activations becomes one".to_owned(),
            "set record.activations = true",
        )),
        _ => None,
    }
}
