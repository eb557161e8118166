//! The reading list of a deployment: records of the reward.

use super::contract::{Alarm, Ground, Look, Monitor, Observer, Seen, Watching};
use crate::audit::{Auditing, Batch, Ground as Audited, Records, Reference, Rule as _, Trail};
use crate::foundation::failure::Status;
use crate::foundation::scalar::Positive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reads every sample whose reward enters the k highest so far, trusted rollouts included, and alarms when it is a hack. k is
/// such that a deployment of the trained policy costs `benign_looks` in expectation; see the auditor `records`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReadingList {
    /// Looks at benign samples over the horizon, in expectation.
    pub benign_looks: Positive,
}

impl Default for ReadingList {
    fn default() -> Self {
        Self { benign_looks: Positive::known(20.0) }
    }
}

impl Monitor for ReadingList {
    fn observer(&self) -> Observer {
        Observer::Rewards
    }

    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Watching>, Status> {
        let Ground { trusted, horizon, rng, .. } = ground;
        let scores: Vec<f64> = trusted.iter().map(|sample| sample.reward).collect();
        let outcomes: Vec<u64> = trusted.iter().map(|sample| sample.outcome).collect();
        let rule = Records { benign_looks: self.benign_looks, read_reference: false };
        let reference = Reference { scores: &scores, outcomes: &outcomes };
        let audit = rule.start(Audited { reference, rollouts: horizon, steps: horizon, rng })?;
        Ok(Box::new(Reading { audit, trail: Trail::default(), seen: 0 }))
    }
}

struct Reading {
    audit: Box<dyn Auditing>,
    trail: Trail,
    seen: usize,
}

impl Watching for Reading {
    fn see(&mut self, seen: Seen<'_>, look: &mut Look<'_>) -> Option<Alarm> {
        let Seen::Reward { outcome, reward } = seen else { return None };
        let batch = Batch {
            step: self.seen as u64,
            first: self.seen,
            outcomes: &[outcome],
            scores: &[reward],
            p_values: None,
            handled: None,
        };
        self.seen += 1;
        let mut confirmed = false;
        let mut read = |_| {
            confirmed = look();
            confirmed
        };
        self.audit.step(&batch, &mut read, &mut self.trail);
        confirmed.then_some(Alarm::Confirmed)
    }
}
