//! What a monitor is: set up from scores of reference rollouts, it goes along with a run and says where it raises an alarm.

use crate::foundation::failure::Status;
use std::fmt::Debug;

/// Scores of rollouts in the order of the run, with what else a monitor may need of them.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// One score a rollout, higher = more suspicious.
    pub scores: &'a [f64],
    /// ln π − ln π₀ of each trajectory under the policy that is watched, in nats, where that is known.
    pub ln_weights: Option<&'a [f64]>,
}

impl<'a> From<&'a [f64]> for Rows<'a> {
    fn from(scores: &'a [f64]) -> Self {
        Self { scores, ln_weights: None }
    }
}

/// What a monitor's rate of false alarms is a rate of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// Each rollout raises an alarm with about this probability.
    Rollout,
    /// The run ever raises an alarm with at most the monitor's own probability; the rate is that of the threshold which it
    /// watches.
    Run,
}

/// An alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alarm {
    /// Row of the batch: the rollout that is called an anomaly; where the run as a whole is, the last of its step.
    pub row: usize,
    /// Its p-value, where the monitor has one.
    pub p_value: Option<f64>,
    /// The threshold in force at this row, in the unit of the scores, where there is one.
    pub threshold: Option<f64>,
}

/// A way to watch a run, with its settings.
pub trait Monitor: Debug + Send + Sync {
    /// What its rate of false alarms is a rate of.
    fn promise(&self) -> Promise {
        Promise::Rollout
    }
    /// Columns of the rollouts that it needs beside the scores, by name.
    fn needs(&self) -> &'static [&'static str] {
        &[]
    }
    /// Takes scores of reference rollouts, in the order of the run, for what is normal.
    ///
    /// # Errors
    /// Why these cannot carry the monitor at this nominal `rate`, from (0, 1).
    fn start(&self, reference: Rows<'_>, rate: f64) -> Result<Box<dyn Watcher>, Status>;
}

/// A monitor that goes along with a run.
pub trait Watcher: Send {
    /// Takes in the rollouts of the next step, all of them, and adds the alarms to `alarms`, in the order of rows.
    ///
    /// # Errors
    /// [`Status::Undefined`] of NaN, which changes nothing; what the monitor needs and is not there.
    fn watch(&mut self, rows: Rows<'_>, alarms: &mut Vec<Alarm>) -> Result<(), Status>;
    /// The threshold in force for the next rollout, in the unit of the scores, where there is one.
    fn threshold(&self) -> Option<f64>;
}
