//! Faults of size: what no machine's memory holds is refused before a run is begun.

use super::contradiction::Contradiction;
use crate::config::sections::Document;

/// Rollouts of one batch, or of the calibration, that are in memory at once: about 150 bytes each.
const MOST_AT_ONCE: u64 = 10_000_000;
/// Rollouts of one run: all of them are in memory when it is judged.
const MOST_ROLLOUTS: u64 = 1_000_000_000;

/// What is too large.
pub(super) fn size(document: &Document) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let mut say = |path: String, message: String, help: &str| {
        found.push(Contradiction { path, message, help: help.to_owned() });
    };
    let (trainer, part) = (document.trainer.name(), document.trainer.part());
    let deployed = document.deployment.as_ref().map_or(0, |own| own.steps);
    let (batch, steps) = (part.batch() as u64, part.steps().saturating_add(deployed));
    if batch > MOST_AT_ONCE {
        say(
            format!("trainer.{trainer}.batch"),
            format!("{batch} rollouts a step; {MOST_AT_ONCE} is the limit"),
            "lower batch and raise steps: ten million rollouts take about 1.5 GB",
        );
    } else if batch.saturating_mul(steps) > MOST_ROLLOUTS {
        say(
            format!("trainer.{trainer}.steps"),
            format!(
                "{steps} steps of {batch} rollouts, deployment included; {MOST_ROLLOUTS} rollouts in all is the limit"
            ),
            "lower steps or batch: a thousand million rollouts take about 150 GB",
        );
    }
    let calibration = u64::from(document.calibration.rollouts.get());
    if calibration > MOST_AT_ONCE {
        say(
            "calibration.rollouts".to_owned(),
            format!("{calibration} calibration rollouts; {MOST_AT_ONCE} is the limit"),
            "lower it: ten million rollouts take about 1.5 GB",
        );
    }
    found
}
