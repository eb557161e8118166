//! An audit of one run, the same while it trains and afterwards.

use crate::audit::{Auditing, Batch, Ground, Look, Place, Reader, Reference, Trail};
use crate::config::AuditSection;
use crate::foundation::failure::Status;
use crate::foundation::rng::{Family, Purpose, SeedTree};
use crate::record::{Observed, Scores, Truth};

/// Rollouts of the reference, with their hidden side.
#[derive(Debug, Clone, Default)]
pub struct Calibration {
    /// What anyone may see.
    pub observed: Observed,
    /// What a look reveals.
    pub truth: Truth,
}

/// Number of the first stream of looks at the reference; those of the run are numbered by their rows.
const REFERENCE_LOOKS: u64 = 1 << 48;
/// Number of the first stream of a screen's looks.
const SCREEN_LOOKS: u64 = 1 << 50;
/// Number of the stream that ties are broken by.
const TIES: u64 = 1 << 49;

/// The auditor at work, who reads for it, and what was read.
pub struct Desk {
    auditing: Box<dyn Auditing>,
    reader: Reader,
    screen: Option<Reader>,
    /// Looks of the reader, where a screen reads first.
    passed: u64,
    draws: Family,
    reference: Truth,
    /// What was read so far.
    pub trail: Trail,
}

impl Desk {
    /// Opens an audit of a run planned for so many rollouts and steps. `scores` are those of the calibration rollouts.
    ///
    /// # Errors
    /// Why these cannot carry the auditor.
    pub fn open(
        section: &AuditSection,
        calibration: &Calibration,
        scores: &[f64],
        (rollouts, steps): (u64, u64),
        seeds: &SeedTree,
    ) -> Result<Self, Status> {
        let draws = seeds.family(Purpose::Audit);
        let reference = Reference { scores, outcomes: &calibration.observed.outcome };
        let ground = Ground { reference, rollouts, steps, rng: draws.at(TIES) };
        Ok(Self {
            auditing: section.auditor.part().start(ground)?,
            reader: section.reader,
            screen: section.screen,
            passed: 0,
            draws,
            reference: Truth {
                hack: calibration.truth.hack.clone(),
                class: calibration.truth.class.clone(),
                ..Truth::default()
            },
            trail: Trail::default(),
        })
    }

    /// Audits the rollouts of a step; `hack` gives the class of a hack among those of the run so far, this step's among them.
    pub fn step(&mut self, batch: &Batch<'_>, hack: &dyn Fn(usize) -> Option<u32>) {
        let Self { auditing, reader, screen, passed, draws, reference, trail } = self;
        let mut read = |place: Place| {
            let (hack, number) = match place {
                Place::Run(row) => (hack(row), row as u64),
                Place::Reference(row) => (class_of_hack(reference, row), REFERENCE_LOOKS + row as u64),
            };
            if screen.is_some_and(|cheap| !cheap.says(hack, draws, SCREEN_LOOKS + number)) {
                return false;
            }
            *passed += u64::from(screen.is_some());
            reader.says(hack, draws, number)
        };
        let look: &mut Look<'_> = &mut read;
        auditing.step(batch, look, trail);
    }

    /// Audits a whole run, step by step.
    pub fn run(mut self, observed: &Observed, scores: &Scores, truth: &Truth) -> Trail {
        let mut first = 0;
        for step in observed.step.chunk_by(|a, b| a == b) {
            let rows = first..first + step.len();
            let batch = Batch {
                step: observed.step[first],
                first,
                outcomes: &observed.outcome[rows.clone()],
                scores: &scores.values()[rows.clone()],
                p_values: scores.p_values().map(|p| &p[rows.clone()]),
                handled: None,
            };
            self.step(&batch, &|row| class_of_hack(truth, row));
            first = rows.end;
        }
        self.finish(&truth.hack)
    }

    /// Ends the audit: what was read, counted by the truth of the run's rollouts.
    pub fn finish(mut self, hack: &[bool]) -> Trail {
        self.trail.settle(hack, &self.reference.hack);
        self.trail.passed = self.passed;
        self.trail
    }
}

/// The class of a hack; `None` for anything else.
pub fn class_of_hack(truth: &Truth, row: usize) -> Option<u32> {
    let is_hack = truth.hack.get(row).copied().unwrap_or(false);
    is_hack.then(|| truth.class.get(row).copied().unwrap_or(0))
}

/// Scores for an auditor that is handed the truth: 1 for hacks, 0 for the rest.
pub fn truth_scores(hack: &[bool]) -> Scores {
    let values = hack.iter().map(|hack| f64::from(u8::from(*hack))).collect();
    // 0 and 1 are finite.
    Scores::new(values).unwrap_or_else(|_| Scores::empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditorSpec;
    use serde_json::{Value, json};
    use std::cell::RefCell;

    /// 20 steps of 20 rollouts of 150 outcomes, a fifteenth of which are hacks; their scores say nothing of them.
    fn rollouts(count: usize) -> Calibration {
        let outcome: Vec<u64> = (0..count as u64).map(|row| row * 7 % 150).collect();
        let hack: Vec<bool> = outcome.iter().map(|outcome| outcome.is_multiple_of(15)).collect();
        let observed = Observed {
            step: (0..count as u64).map(|row| row / 20).collect(),
            proxy: (0..count).map(|row| (row * 7919 % 1000) as f64).collect(),
            outcome,
            ..Observed::default()
        };
        Calibration { observed, truth: Truth { hack, ..Truth::default() } }
    }

    /// Whoever audits, and whoever reads: the truth of a rollout is asked for where it was paid for, once, and nowhere else.
    #[test]
    fn the_truth_is_asked_for_once_a_look() {
        let auditors = [
            json!({ "records": { "benign_looks": 20 } }),
            json!({ "records": { "benign_looks": 20, "read_reference": false } }),
            json!({ "alarm": { "rate": 0.1, "looks": 0.1 } }),
            json!({ "top": { "looks": 0.1 } }),
            json!({ "both_lists": { "benign_looks": 20, "looks": 0.1 } }),
            json!({ "random": { "looks": 0.1 } }),
            json!({ "oracle_spending": {} }),
        ];
        let named = |name: &str| auditors.iter().any(|own| own.get(name).is_some());
        assert!(AuditorSpec::PARTS.iter().all(|part| named(part.name)), "an auditor is not tried");
        let erring = json!({ "sensitivity": 0.6, "specificity": 0.7 });
        let (run, calibration) = (rollouts(400), rollouts(100));
        for auditor in &auditors {
            for (reader, screen) in [(json!({}), Value::Null), (erring.clone(), erring.clone())] {
                let section: AuditSection =
                    serde_json::from_value(json!({ "auditor": auditor, "reader": reader, "screen": screen }))
                        .unwrap();
                let scores_of = |own: &Calibration| match section.auditor.part().sees_truth() {
                    true => truth_scores(&own.truth.hack),
                    false => Scores::new(own.observed.proxy.clone()).unwrap(),
                };
                let (scores, reference) = (scores_of(&run), scores_of(&calibration));
                let seeds = SeedTree::new(3, 0);
                let mut desk =
                    Desk::open(&section, &calibration, reference.values(), (400, 20), &seeds).unwrap();
                let asked = RefCell::new(Vec::new());
                for step in 0..20 {
                    let rows = 20 * step..20 * (step + 1);
                    let batch = Batch {
                        step: step as u64,
                        first: rows.start,
                        outcomes: &run.observed.outcome[rows.clone()],
                        scores: &scores.values()[rows],
                        p_values: None,
                        handled: None,
                    };
                    desk.step(&batch, &|row| {
                        asked.borrow_mut().push(row);
                        class_of_hack(&run.truth, row)
                    });
                }
                let (trail, asked) = (desk.finish(&run.truth.hack), asked.into_inner());
                let read: Vec<usize> = trail.picks.iter().map(|pick| pick.row).collect();
                assert_eq!(asked, read, "{auditor}");
                assert_eq!((asked.len() + trail.reference.len()) as u64, trail.looks(), "{auditor}");
                assert!(!asked.is_empty() && asked.len() < 150, "{auditor}: {} looks", asked.len());
            }
        }
    }
}
