//! An enumerable space of outcomes: the table on which everything can be computed exactly.

use super::observed_table::ObservedTable;

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

    /// The table without its hidden side.
    pub fn observed(&self) -> ObservedTable {
        ObservedTable {
            prompts: self.prompts,
            outcomes: self.outcomes,
            ref_log_prob: self.ref_log_prob.clone(),
            proxy: (0..self.len()).map(|cell| self.proxy(cell)).collect(),
        }
    }

    /// Proxy reward U = V + X of a cell.
    pub fn proxy(&self, cell: usize) -> f64 {
        self.utility[cell] + self.error[cell]
    }
}

impl From<&ObservedTable> for Outcomes {
    /// All that is paid stands as utility: there is no error, no class and no hack.
    fn from(table: &ObservedTable) -> Self {
        let cells = table.len();
        Self {
            prompts: table.prompts,
            outcomes: table.outcomes,
            ref_log_prob: table.ref_log_prob.clone(),
            utility: table.proxy.clone(),
            error: vec![0.0; cells],
            class: vec![0; cells],
            hack: vec![false; cells],
        }
    }
}
