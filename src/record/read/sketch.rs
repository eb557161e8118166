//! A batch of rollouts that was seen, with a sketch that tells most others apart from it at little cost.

use super::layout::Shared;
use super::repeat::Rollout;
use serde::{Deserialize, Serialize};

/// A batch that was seen, to which others are compared.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "(Shared, Vec<u64>)", into = "(Shared, Vec<u64>)")]
pub(super) struct Seen {
    pub shared: Shared,
    pub identities: Vec<u64>,
    sketch: Sketch,
}

impl From<(Shared, Vec<u64>)> for Seen {
    fn from((shared, identities): (Shared, Vec<u64>)) -> Self {
        let sketch = Sketch::of(&identities);
        Self { shared, identities, sketch }
    }
}

impl Seen {
    /// Whether an eighth of some rollouts of a batch may be in this one.
    pub fn may_share(&self, batch: &[Rollout]) -> bool {
        self.sketch.may_share(batch)
    }
}

impl From<Seen> for (Shared, Vec<u64>) {
    fn from(Seen { shared, identities, .. }: Seen) -> Self {
        (shared, identities)
    }
}

/// Bits of a set of identities, sixteen for each: enough to tell most batches apart without putting them in order.
#[derive(Debug, Clone)]
struct Sketch(Vec<u64>);

impl Sketch {
    fn of(identities: &[u64]) -> Self {
        let mut bits = vec![0; identities.len().div_ceil(4).next_power_of_two()];
        let mask = 64 * bits.len() - 1;
        for identity in identities {
            let bit = *identity as usize & mask;
            bits[bit / 64] |= 1 << (bit % 64);
        }
        Self(bits)
    }

    fn may_share(&self, batch: &[Rollout]) -> bool {
        const LOOKED_AT: usize = 64;
        let mask = 64 * self.0.len() - 1;
        let every = batch.len().div_ceil(LOOKED_AT).max(1);
        let (mut looked_at, mut found) = (0, 0);
        for rollout in batch.iter().step_by(every) {
            let bit = rollout.identity as usize & mask;
            looked_at += 1;
            found += usize::from(self.0[bit / 64] >> (bit % 64) & 1 == 1);
        }
        8 * found >= looked_at
    }
}
