//! What a response is shown, and what it may change.

use crate::audit::reader::Revealed;
use crate::record::Observed;
use std::fmt::Debug;

/// A look that confirmed a hack, once its delay is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The outcome that was read.
    pub outcome: u64,
    /// Step at which that outcome was first sampled, as the log has it; `None` for one that the run has not sampled yet.
    pub first_sampled: Option<u64>,
    /// What the look revealed.
    pub revealed: Revealed,
    /// The features of the rollout that was read.
    pub features: Vec<f64>,
    /// Planted class, for a bound; a look does not reveal it.
    pub class: Option<u32>,
}

/// The findings so far.
#[derive(Debug, Clone, Copy)]
pub struct Findings<'a> {
    /// All whose delay is over, in the order of the looks.
    pub all: &'a [Finding],
    /// How many of the last are new at this step.
    pub new: usize,
}

impl Findings<'_> {
    /// The outcomes that were confirmed, ascending: few, and looked up for every rollout.
    pub fn outcomes(&self) -> Vec<u64> {
        let mut outcomes: Vec<u64> = self.all.iter().map(|finding| finding.outcome).collect();
        outcomes.sort_unstable();
        outcomes.dedup();
        outcomes
    }
}

/// What a response may see of a batch: what anyone may see.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The rollouts of the step.
    pub observed: &'a Observed,
    /// Largest proxy among the rollouts of the reference.
    pub reference_max: f64,
    /// Planted classes, row by row: for a bound alone.
    pub classes: Option<&'a [u32]>,
}

/// What changes at a step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Treatment {
    /// Rows that count in the update; `None` where all do.
    pub keep: Option<Vec<bool>>,
    /// What is optimised in the place of the proxy, row by row; `None` where that is the proxy.
    pub labels: Option<Vec<f64>>,
    /// Whether the policy is not updated at this step.
    pub stop: bool,
    /// The policy goes back to what it was before this step's sampling.
    pub back_to: Option<u64>,
}

/// A way to respond, with its settings.
pub trait Response: Debug + Send + Sync {
    /// Steps from the look to its effect: 0 acts on the update of the same step, 1 after it.
    fn delay(&self) -> u64 {
        0
    }
    /// Columns that it needs: whether it goes by the policy's activations.
    fn needs_features(&self) -> bool {
        false
    }
    /// Whether it is shown the classes of rollouts that nobody read: a bound on responses, and none itself.
    fn is_bound(&self) -> bool {
        false
    }
    /// Steps between the points that it may go back to; `None` where it never does.
    fn restore_every(&self) -> Option<u64> {
        None
    }
    /// What changes at this step; called only once something was confirmed.
    fn treat(&self, shown: &Shown<'_>, findings: &Findings<'_>) -> Treatment;
}

/// Rows that do not fulfil a condition count.
pub(super) fn without(rows: usize, removed: impl Fn(usize) -> bool) -> Treatment {
    let keep: Vec<bool> = (0..rows).map(|row| !removed(row)).collect();
    let all = keep.iter().all(|keep| *keep);
    Treatment { keep: (!all).then_some(keep), ..Treatment::default() }
}
