//! Policies on an enumerable space that are functions of the reference and the proxy, with their exact moments.

mod best_of_n;
mod check;
mod ordered;
mod penalised;
mod penalty;
mod quantilizer;
#[cfg(test)]
mod testing;
mod threshold;
mod unbiased;

pub use best_of_n::{best_of_n, best_of_n_kl_bound};
pub(crate) use check::check;
pub use penalised::{Divergence, penalised, penalised_at};
pub use quantilizer::{quantilizer, quantilizer_cost_bound};
pub use threshold::{condition, construction};
pub use unbiased::unbiased_best_of_n;

use super::TheoryError;
use super::error::require;
use crate::foundation::numeric::CompensatedSum;
use crate::record::Outcomes;

/// A policy as its weights against the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Reweighting {
    /// ln(π/π₀) of each cell of the table, in nats; −∞ where π is 0.
    pub log_ratio: Vec<f64>,
    /// The Lagrange multiplier behind it, where there is one, in units of reward per unit of divergence.
    pub multiplier: Option<f64>,
}

/// Exact moments of a policy on a table, prompts drawn uniformly.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Moments {
    /// KL(π‖π₀), in nats.
    pub kl: f64,
    /// χ²(π‖π₀) = E_π₀\[(π/π₀ − 1)²\].
    pub chi_squared: f64,
    /// E\[V\].
    pub utility: f64,
    /// E\[X\].
    pub error: f64,
    /// E\[U\].
    pub proxy: f64,
    /// Effective sample size 1/Σπ², of the whole table.
    pub ess: f64,
    /// Largest probability of an outcome given its prompt.
    pub top_mass: f64,
}

impl Reweighting {
    /// Sums over the table that the policy was made for.
    ///
    /// # Errors
    /// `log_ratio` is not as long as the table, χ² does not fit into a number, or the table is broken.
    pub fn moments(&self, table: &Outcomes) -> Result<Moments, TheoryError> {
        if self.log_ratio.len() != table.len() {
            let cells = table.len();
            return Err(TheoryError::argument(
                "log_ratio's length",
                self.log_ratio.len() as f64,
                format!("{cells}, the table's number of cells,"),
            ));
        }
        check(table)?;
        let mut sums = [CompensatedSum::default(); 5];
        let mut top_mass = 0f64;
        for (cell, (&ratio, &reference)) in self.log_ratio.iter().zip(&table.ref_log_prob).enumerate() {
            let p = (reference + ratio).exp();
            if p == 0.0 {
                continue;
            }
            sums[0].add(p * ratio);
            sums[1].add(p * ratio.exp());
            sums[2].add(p * table.utility[cell]);
            sums[3].add(p * table.error[cell]);
            sums[4].add(p * p);
            top_mass = top_mass.max(p);
        }
        let prompts = table.prompts as f64;
        let [kl, square, utility, error, squares] = sums.map(|s| s.value());
        require("χ²(π‖π₀)", square, square.is_finite(), "a policy whose π/π₀ is below 1e150")?;
        Ok(Moments {
            kl: (kl / prompts).max(0.0),
            chi_squared: (square / prompts - 1.0).max(0.0),
            utility: utility / prompts,
            error: error / prompts,
            proxy: (utility + error) / prompts,
            ess: prompts * prompts / squares,
            top_mass,
        })
    }
}
