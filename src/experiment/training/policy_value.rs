//! What a policy is worth: summed over every trajectory where that is possible, beside which sampled estimates can be held.

use crate::foundation::numeric::{CompensatedSum, mean, variance};
use crate::policies::Snapshot;
use crate::record::Outcomes;
use crate::reward::Propagated;
use crate::rollout::{Batch, Tape};
use serde::{Deserialize, Serialize};

/// Cells that are added up plainly; blocks are added with compensation.
const BLOCK: usize = 64;

/// Expectations under π, prompts drawn uniformly. KL and entropy in nats, of whole trajectories.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Expectations {
    /// How they were made.
    pub method: Method,
    /// E\[V\].
    pub utility: f64,
    /// Standard error of `utility`; `None` where it is exact.
    pub utility_se: Option<f64>,
    /// E\[X\].
    pub error: f64,
    /// KL(π‖π₀).
    pub kl: f64,
    /// Entropy of π.
    pub entropy: f64,
    /// Probability of a hack.
    pub p_hack: f64,
    /// E\[U·1(hack)\]: the part of the proxy that hacks supply.
    pub proxy_from_hacks: f64,
    /// Largest probability of a trajectory given its prompt, where all were summed over.
    pub top_mass: Option<f64>,
}

/// How expectations were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Summed over every trajectory.
    #[default]
    Enumerated,
    /// Utility, KL, entropy and P(hack) summed over states by dynamic programming; the error too where triggers are all of it, else
    /// it is the sample's mean.
    Propagated,
    /// Means of the sample. KL and entropy are sums of those of each next action, given what was sampled before it: unbiased,
    /// and far less noisy than the mean log-ratio.
    Sampled,
}

impl Method {
    /// The name in `steps.csv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enumerated => "enumerated",
            Self::Propagated => "propagated",
            Self::Sampled => "sampled",
        }
    }
}

impl Expectations {
    /// Sums over the table.
    pub fn enumerated(policy: &Snapshot, table: &Outcomes) -> Self {
        let mut sums = [CompensatedSum::default(); 6];
        let mut top_mass = 0f64;
        let mut cells = policy.rows().flat_map(|row| row.probs().zip(row.log_probs()));
        for start in (0..table.len()).step_by(BLOCK) {
            let mut block = [0.0; 6];
            for (cell, (p, log_p)) in (start..).zip(cells.by_ref().take(BLOCK)) {
                if p == 0.0 {
                    continue;
                }
                block[0] += p * table.utility[cell];
                block[1] += p * table.error[cell];
                block[2] += p * (log_p - table.ref_log_prob[cell]);
                block[3] -= p * log_p;
                if table.hack[cell] {
                    block[4] += p;
                    block[5] += p * table.proxy(cell);
                }
                top_mass = top_mass.max(p);
            }
            sums.iter_mut().zip(block).for_each(|(sum, block)| sum.add(block));
        }
        let prompts = table.prompts.max(1) as f64;
        let [utility, error, kl, entropy, p_hack, proxy_from_hacks] = sums.map(|s| s.value() / prompts);
        Self {
            method: Method::Enumerated,
            utility,
            utility_se: None,
            error,
            kl: kl.max(0.0),
            entropy,
            p_hack: p_hack.min(1.0),
            proxy_from_hacks,
            top_mass: Some(top_mass),
        }
    }

    /// Means of a batch.
    pub fn sampled(batch: &Batch, tape: &Tape) -> Self {
        let (observed, truth) = (&batch.observed, &batch.truth);
        let average = |values: &[f64]| mean(values).unwrap_or(0.0);
        let rows = observed.len().max(1) as f64;
        let hacks = || truth.hack.iter().zip(&observed.proxy).filter(|(hack, _)| **hack);
        Self {
            method: Method::Sampled,
            utility: average(&truth.utility),
            utility_se: variance(&truth.utility).map(|v| (v / rows).sqrt()),
            error: average(&truth.error),
            kl: average(&tape.per_row(|t, row| tape.choice.kl[t * tape.rows + row])),
            entropy: average(&tape.per_row(|t, row| tape.choice.entropy[t * tape.rows + row])),
            p_hack: hacks().count() as f64 / rows,
            proxy_from_hacks: hacks().map(|(_, u)| u).sum::<f64>() / rows,
            top_mass: None,
        }
    }

    /// The sample's means, with what dynamic programming knows exactly put in their place.
    pub fn propagated(self, known: &Propagated) -> Self {
        Self {
            method: Method::Propagated,
            utility: known.utility,
            utility_se: None,
            error: known.error.unwrap_or(self.error),
            kl: known.kl,
            entropy: known.entropy,
            p_hack: known.p_hack.unwrap_or(self.p_hack),
            ..self
        }
    }

    /// E\[U\] = E\[V\] + E\[X\].
    pub fn proxy(&self) -> f64 {
        self.utility + self.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_states_know_stands_in_for_the_sample_and_nothing_else_does() {
        let batch = Batch {
            observed: crate::record::Observed { proxy: vec![1.0, 5.0], ..Default::default() },
            truth: crate::record::Truth {
                utility: vec![1.0, 2.0],
                error: vec![0.0, 3.0],
                class: vec![0, 1],
                hack: vec![false, true],
            },
            cells: Vec::new(),
        };
        let sampled = Expectations::sampled(&batch, &Tape::default());
        assert_eq!(
            (sampled.utility, sampled.error, sampled.p_hack, sampled.proxy_from_hacks),
            (1.5, 1.5, 0.5, 2.5)
        );
        let known = |error, p_hack| Propagated { utility: 1.2, error, kl: 0.3, entropy: 0.4, p_hack };
        let all = sampled.propagated(&known(Some(0.7), Some(0.1)));
        assert_eq!((all.utility, all.error, all.kl, all.p_hack, all.utility_se), (1.2, 0.7, 0.3, 0.1, None));
        let some = sampled.propagated(&known(None, None));
        assert_eq!((some.error, some.p_hack), (1.5, 0.5));
    }
}
