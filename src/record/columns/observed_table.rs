//! An enumerable space of outcomes as a trainer may see it.

/// Every outcome of every prompt with what it is paid, and nothing of what it is worth. Arrays have `prompts × outcomes` entries,
/// prompt by prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedTable {
    /// Number of prompts; each is drawn with probability 1/prompts.
    pub prompts: usize,
    /// Number of outcomes of a prompt.
    pub outcomes: usize,
    /// ln π₀(outcome | prompt), in nats; each prompt's row sums to one after exp.
    pub ref_log_prob: Vec<f64>,
    /// Proxy reward U.
    pub proxy: Vec<f64>,
}

impl ObservedTable {
    /// Number of (prompt, outcome) cells.
    pub fn len(&self) -> usize {
        self.proxy.len()
    }

    /// Whether the table has no cell.
    pub fn is_empty(&self) -> bool {
        self.proxy.is_empty()
    }
}
