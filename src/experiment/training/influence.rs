//! Who moved the policy so far: sums over the steps, kept with a run in progress.

use serde::{Deserialize, Serialize};

/// Who moved the policy so far.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
pub struct Influence {
    pub total: f64,
    pub hacks: f64,
}
