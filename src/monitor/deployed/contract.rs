//! The contract of who watches a deployed policy, sample by sample.

use super::law::Law;
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use std::fmt::Debug;

/// One rollout of a policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// What was sampled: its cell of the table.
    pub outcome: u64,
    /// Proxy reward U.
    pub reward: f64,
    /// ln(π/π₀) of the outcome, in nats, π the policy that it was drawn from; `None` where nobody knows it.
    pub log_ratio: Option<f64>,
    /// What the policy's network held when it had sampled it; `None` where there is no network.
    pub hidden: Option<&'a [f64]>,
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
    /// The hidden states of the policy's network.
    Hidden,
    /// That there was a sample.
    Nothing,
}

impl Observer {
    /// The columns of rollouts that it sees, beside the proxy reward.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Rewards | Self::Actions => &["outcome"],
            Self::LogProbs => &["log_prob", "ref_log_prob"],
            Self::Hidden => &["hidden states"],
            Self::Nothing => &[],
        }
    }
}

/// A sample as its observer sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen<'a> {
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
    /// Seen by [`Observer::Hidden`].
    Hidden(&'a [f64]),
    /// Seen by [`Observer::Nothing`], and where log-probabilities or hidden states are not known.
    Nothing,
}

impl<'a> Sample<'a> {
    /// The part of the sample that an observer sees.
    pub fn seen_by(&self, observer: Observer) -> Seen<'a> {
        match observer {
            Observer::Rewards => Seen::Reward { outcome: self.outcome, reward: self.reward },
            Observer::LogProbs => self.log_ratio.map_or(Seen::Nothing, Seen::LogRatio),
            Observer::Actions => Seen::Action(self.outcome),
            Observer::Hidden => self.hidden.map_or(Seen::Nothing, Seen::Hidden),
            Observer::Nothing => Seen::Nothing,
        }
    }
}

/// What a monitor knows before the deployment. All of it is of the trained policy, before any shift.
#[derive(Debug)]
pub struct Ground<'a> {
    /// Rollouts that are known to be of the trained policy.
    pub trusted: &'a [Sample<'a>],
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
    fn see(&mut self, seen: Seen<'_>, look: &mut Look<'_>) -> Option<Alarm>;
}
