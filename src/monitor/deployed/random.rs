//! Audits by chance.

use super::contract::{Alarm, Ground, Look, Monitor, Observer, Seen, Watching};
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::foundation::scalar::OpenProbability;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reads each sample with probability `rate`, and alarms when it is a hack: ln δ/ln(1 − rate·p) samples with probability 1 − δ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RandomAudit {
    /// Share of the samples that is read.
    pub rate: OpenProbability,
}

impl Default for RandomAudit {
    fn default() -> Self {
        Self { rate: OpenProbability::known(0.01) }
    }
}

impl Monitor for RandomAudit {
    fn observer(&self) -> Observer {
        Observer::Nothing
    }

    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Watching>, Status> {
        Ok(Box::new(Chance { rate: self.rate.get(), rng: ground.rng }))
    }
}

struct Chance {
    rate: f64,
    rng: Stream,
}

impl Watching for Chance {
    fn see(&mut self, _: Seen<'_>, look: &mut Look<'_>) -> Option<Alarm> {
        (self.rng.open_unit() < self.rate && look()).then_some(Alarm::Confirmed)
    }
}
