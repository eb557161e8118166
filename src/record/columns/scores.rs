//! A detector's answer.

/// One score a rollout, in the rollouts' order. Higher is more suspicious; every score is finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    values: Vec<f64>,
    p_values: Option<Vec<f64>>,
}

/// A score that is not a number.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("score of row {row} is {value}; a detector must return finite scores")]
pub struct NotFinite {
    /// 0-based row.
    pub row: usize,
    /// What was returned.
    pub value: f64,
}

impl Scores {
    /// Scores without p-values.
    pub fn new(values: Vec<f64>) -> Result<Self, NotFinite> {
        match values.iter().position(|v| !v.is_finite()) {
            Some(row) => Err(NotFinite { row, value: values[row] }),
            None => Ok(Self { values, p_values: None }),
        }
    }

    /// Of no rollouts.
    pub fn empty() -> Self {
        Self { values: Vec::new(), p_values: None }
    }

    /// Adds p-values under the detector's null, one a row.
    pub fn with_p_values(mut self, p_values: Vec<f64>) -> Self {
        debug_assert_eq!(p_values.len(), self.values.len());
        self.p_values = Some(p_values);
        self
    }

    /// Those of the given rows, in the given order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        let of = |column: &Vec<f64>| rows.iter().map(|&row| column[row]).collect();
        Self { values: of(&self.values), p_values: self.p_values.as_ref().map(of) }
    }

    /// The scores.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The p-values, where the detector has a null.
    pub fn p_values(&self) -> Option<&[f64]> {
        self.p_values.as_deref()
    }
}
