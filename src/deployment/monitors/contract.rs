//! The contract of who watches a deployed policy, sample by sample.

use super::law::Law;
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use std::fmt::Debug;

/// One rollout of a policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// What was sampled: its cell of the table.
    pub outcome: u64,
    /// Proxy reward U.
    pub reward: f64,
    /// ln(π/π₀) of the outcome, in nats, π the policy that it was drawn from; `None` where nobody knows it.
    pub log_ratio: Option<f64>,
}

/// What an observer of the deployment may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observer {
    /// The reward and what was sampled.
    Rewards,
    /// The log-probabilities under the deployed policy and the reference.
    LogProbs,
    /// What was sampled, and nothing of its reward or probability.
    Actions,
    /// That there was a sample.
    Nothing,
}

/// A sample as its observer sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen {
    /// Seen by [`Observer::Rewards`].
    Reward {
        /// What was sampled.
        outcome: u64,
        /// Proxy reward U.
        reward: f64,
    },
    /// ln(π/π₀), seen by [`Observer::LogProbs`].
    LogRatio(f64),
    /// What was sampled, seen by [`Observer::Actions`].
    Action(u64),
    /// Seen by [`Observer::Nothing`], and where log-probabilities are not known.
    Nothing,
}

impl Sample {
    /// The part of the sample that an observer sees.
    pub fn seen_by(&self, observer: Observer) -> Seen {
        match (observer, self.log_ratio) {
            (Observer::Rewards, _) => Seen::Reward { outcome: self.outcome, reward: self.reward },
            (Observer::LogProbs, Some(log_ratio)) => Seen::LogRatio(log_ratio),
            (Observer::Actions, _) => Seen::Action(self.outcome),
            (Observer::LogProbs, None) | (Observer::Nothing, _) => Seen::Nothing,
        }
    }
}

/// What a monitor knows before the deployment. All of it is of the trained policy, before any shift.
#[derive(Debug)]
pub struct Ground<'a> {
    /// Rollouts that are known to be of the trained policy.
    pub trusted: &'a [Sample],
    /// Its exact law, where it has a table.
    pub law: Option<&'a Law>,
    /// Samples that the deployment is planned for; levels hold over all of them.
    pub horizon: u64,
    /// Breaks ties, and draws where the monitor does.
    pub rng: Stream,
}

/// Why a monitor alarms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Alarm {
    /// A sample was read, and is a hack.
    Confirmed,
    /// What is counted or summed went beyond what the trained policy does within the horizon.
    Beyond {
        /// What was reached.
        value: f64,
        /// What had to be exceeded; for counts, what had to be reached.
        threshold: f64,
    },
}

/// Reads the sample at hand, at the cost of one audit: whether it is a hack.
pub type Look<'a> = dyn FnMut() -> bool + 'a;

/// A way to watch a deployed policy, with its settings.
pub trait Monitor: Debug + Send + Sync {
    /// What it needs to see.
    fn observer(&self) -> Observer;
    /// Begins a deployment.
    ///
    /// # Errors
    /// Why what is known of the trained policy cannot carry the monitor.
    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Watching>, Status>;
}

/// A monitor at work.
pub trait Watching: Send {
    /// Takes in the next sample. What its observer cannot see tells it nothing.
    fn see(&mut self, seen: Seen, look: &mut Look<'_>) -> Option<Alarm>;
}
