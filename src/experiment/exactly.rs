//! Quantities of a policy summed over the whole table, beside which sampled estimates can be held.

use crate::foundation::numeric::CompensatedSum;
use crate::policies::Snapshot;
use crate::record::Outcomes;

/// Cells that are added up plainly; blocks are added with compensation.
const BLOCK: usize = 64;

/// Exact expectations under π, prompts drawn uniformly. KL and entropy in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exactly {
    /// E\[V\].
    pub utility: f64,
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
    /// Largest probability of an outcome given its prompt.
    pub top_mass: f64,
}

impl Exactly {
    /// Sums over the table.
    pub fn of(policy: &Snapshot, table: &Outcomes) -> Self {
        let mut sums = [CompensatedSum::default(); 6];
        let mut top_mass = 0f64;
        let (probs, logs) = (policy.probs(), policy.log_probs());
        for start in (0..table.len()).step_by(BLOCK) {
            let mut block = [0.0; 6];
            for cell in start..table.len().min(start + BLOCK) {
                let (p, log_p) = (probs[cell], logs[cell]);
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
        Self { utility, error, kl: kl.max(0.0), entropy, p_hack: p_hack.min(1.0), proxy_from_hacks, top_mass }
    }

    /// E\[U\] = E\[V\] + E\[X\].
    pub fn proxy(&self) -> f64 {
        self.utility + self.error
    }
}
