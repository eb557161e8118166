//! What only the laboratory, or a paid audit, knows of a rollout.

/// The hidden side of rollouts, row by row beside an [`crate::record::Observed`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Truth {
    /// True utility V.
    pub utility: Vec<f64>,
    /// Error X of the reward model; proxy U = V + X.
    pub error: Vec<f64>,
    /// Planted class: 0 for none, i for the i-th exploit of the config.
    pub class: Vec<u32>,
    /// What an audit would confirm as a hack.
    pub hack: Vec<bool>,
}

impl Truth {
    /// Number of rollouts.
    pub fn len(&self) -> usize {
        self.utility.len()
    }

    /// Whether there is no rollout.
    pub fn is_empty(&self) -> bool {
        self.utility.is_empty()
    }

    /// The given rows, in the given order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            utility: rows.iter().map(|&row| self.utility[row]).collect(),
            error: rows.iter().map(|&row| self.error[row]).collect(),
            class: rows.iter().map(|&row| self.class[row]).collect(),
            hack: rows.iter().map(|&row| self.hack[row]).collect(),
        }
    }

    /// Makes room for so many more rows, where there is as much memory.
    pub fn reserve(&mut self, rows: usize) {
        let _ = self.utility.try_reserve_exact(rows);
        let _ = self.error.try_reserve_exact(rows);
        let _ = self.class.try_reserve_exact(rows);
        let _ = self.hack.try_reserve_exact(rows);
    }

    /// Appends the rows of `other`.
    pub fn append(&mut self, other: Truth) {
        self.utility.extend(other.utility);
        self.error.extend(other.error);
        self.class.extend(other.class);
        self.hack.extend(other.hack);
    }
}
