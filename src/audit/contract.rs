//! What an auditor is: a rule that says when to read a rollout, and which, online, before the update of the step.

use super::trail::Trail;
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use std::fmt::Debug;

/// Scores of reference rollouts, with the outcome of each.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference<'a> {
    /// One score a rollout, higher = more suspicious.
    pub scores: &'a [f64],
    /// What was sampled, one entry a rollout.
    pub outcomes: &'a [u64],
}

/// What an auditor starts from.
#[derive(Debug)]
pub struct Ground<'a> {
    /// Rollouts of the reference, before the run.
    pub reference: Reference<'a>,
    /// Rollouts that the run is planned for.
    pub rollouts: u64,
    /// Steps that it is planned for.
    pub steps: u64,
    /// Breaks ties, and draws where the rule does.
    pub rng: Stream,
}

/// The rollouts of one step.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The step.
    pub step: u64,
    /// Number of the first rollout, counted over the run.
    pub first: usize,
    /// What was sampled, one entry a rollout, in sampling order.
    pub outcomes: &'a [u64],
    /// One finite score a rollout.
    pub scores: &'a [f64],
    /// p-values under the detector's null, where it has one.
    pub p_values: Option<&'a [f64]>,
    /// Rollouts that a response keeps out of the update already, and that nobody needs to read.
    pub handled: Option<&'a [bool]>,
}

impl Batch<'_> {
    /// Whether a row is handled already.
    pub fn is_handled(&self, row: usize) -> bool {
        self.handled.is_some_and(|handled| handled[row])
    }
}

/// Which rollout is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One of the reference, by its row.
    Reference(usize),
    /// One of the run, counted over the run.
    Run(usize),
}

/// Reads a rollout, at the cost of one look: whether it is a hack, as far as the reader can tell.
pub type Look<'a> = dyn FnMut(Place) -> bool + 'a;

/// A way to spend looks, with its settings.
pub trait Rule: Debug + Send + Sync {
    /// Begins a run.
    ///
    /// # Errors
    /// Why the reference cannot carry the rule.
    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Auditing>, Status>;
    /// Whether it is handed scores made of the truth: a bound on auditors, and none itself.
    fn sees_truth(&self) -> bool {
        false
    }
}

/// An audit under way.
pub trait Auditing: Send {
    /// Takes in the rollouts of the next step, whole and in order, and reads what the rule asks for; each look is entered into
    /// the trail. What a look says is known before the update of the step.
    fn step(&mut self, batch: &Batch<'_>, look: &mut Look<'_>, trail: &mut Trail);
}
