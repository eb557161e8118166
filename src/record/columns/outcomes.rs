//! An enumerable space of outcomes: the table on which everything can be computed exactly.

/// Every outcome of every prompt. Arrays have `prompts × outcomes` entries, prompt by prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcomes {
    /// Number of prompts; each is drawn with probability 1/prompts.
    pub prompts: usize,
    /// Number of outcomes of a prompt.
    pub outcomes: usize,
    /// ln π₀(outcome | prompt), in nats; each prompt's row sums to one after exp.
    pub ref_log_prob: Vec<f64>,
    /// True utility V.
    pub utility: Vec<f64>,
    /// Error X (under fresh noise: its expectation's stand-in 0, the noise being added at each visit).
    pub error: Vec<f64>,
    /// Planted class, 0 for none.
    pub class: Vec<u32>,
    /// What an audit would confirm as a hack.
    pub hack: Vec<bool>,
}

impl Outcomes {
    /// Number of (prompt, outcome) cells.
    pub fn len(&self) -> usize {
        self.utility.len()
    }

    /// Whether the table has no cell.
    pub fn is_empty(&self) -> bool {
        self.utility.is_empty()
    }

    /// Proxy reward U = V + X of a cell.
    pub fn proxy(&self, cell: usize) -> f64 {
        self.utility[cell] + self.error[cell]
    }
}
