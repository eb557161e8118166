//! Rollouts as anyone may see them.

/// Name of the feature that holds the standard deviation over the members of a reward ensemble.
pub const DISAGREEMENT: &str = "disagreement";
/// Name of the feature that holds the norm of a rollout's term of the policy gradient, in the logits.
pub const GRADIENT_NORM: &str = "gradient_norm";

/// Rollouts in the order in which they were sampled, one array a column; all present columns have `len()` rows.
///
/// Holds no utility, no error and no class: see [`crate::record::Truth`] for those.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// Training step, ascending.
    pub step: Vec<u64>,
    /// Number of the rollout within its run, unique.
    pub trajectory: Vec<u64>,
    /// What was sampled: equal numbers mean the same trajectory (a hash for long ones).
    pub outcome: Vec<u64>,
    /// The prompt that was answered.
    pub prompt: Vec<u64>,
    /// Rollouts compared with each other: same prompt within the same step.
    pub group: Vec<u64>,
    /// Raw proxy reward U: what detectors judge.
    pub proxy: Vec<f64>,
    /// Named parts of the proxy, where a log has several reward columns.
    pub parts: Vec<(String, Vec<f64>)>,
    /// Shaped reward: what is optimised (proxy minus KL penalty, after clipping …).
    pub reward: Option<Vec<f64>>,
    /// Advantage that entered the update.
    pub advantage: Option<Vec<f64>>,
    /// ln π of the sampled trajectory at sampling time, in nats.
    pub log_prob: Option<Vec<f64>>,
    /// ln π₀ of the sampled trajectory, in nats.
    pub ref_log_prob: Option<Vec<f64>>,
    /// Length of the completion, in tokens or characters.
    pub length: Option<Vec<f64>>,
    /// Further columns, by name.
    pub features: Vec<(String, Vec<f64>)>,
}

impl Observed {
    /// Number of rollouts.
    pub fn len(&self) -> usize {
        self.proxy.len()
    }

    /// Whether there is no rollout.
    pub fn is_empty(&self) -> bool {
        self.proxy.is_empty()
    }

    /// The given rows, in the given order.
    ///
    /// # Panics
    /// If a row is not below `len()`.
    pub fn select(&self, rows: &[usize]) -> Observed {
        self.cut(
            |column| rows.iter().map(|&i| column[i]).collect(),
            |column| rows.iter().map(|&i| column[i]).collect(),
        )
    }

    /// Every column, cut by these.
    pub(in crate::record) fn cut(
        &self,
        words: impl Fn(&[u64]) -> Vec<u64>,
        numbers: impl Fn(&[f64]) -> Vec<f64>,
    ) -> Observed {
        let optional = |column: &Option<Vec<f64>>| column.as_deref().map(&numbers);
        let named = |columns: &[(String, Vec<f64>)]| {
            columns.iter().map(|(name, column)| (name.clone(), numbers(column))).collect()
        };
        Observed {
            step: words(&self.step),
            trajectory: words(&self.trajectory),
            outcome: words(&self.outcome),
            prompt: words(&self.prompt),
            group: words(&self.group),
            proxy: numbers(&self.proxy),
            parts: named(&self.parts),
            reward: optional(&self.reward),
            advantage: optional(&self.advantage),
            log_prob: optional(&self.log_prob),
            ref_log_prob: optional(&self.ref_log_prob),
            length: optional(&self.length),
            features: named(&self.features),
        }
    }

    /// Makes room for so many more rows in every column that there is, where there is as much memory.
    pub fn reserve(&mut self, rows: usize) {
        for column in
            [&mut self.step, &mut self.trajectory, &mut self.outcome, &mut self.prompt, &mut self.group]
        {
            let _ = column.try_reserve_exact(rows);
        }
        let known = [
            &mut self.reward,
            &mut self.advantage,
            &mut self.log_prob,
            &mut self.ref_log_prob,
            &mut self.length,
        ];
        let named = self.parts.iter_mut().chain(&mut self.features).map(|(_, column)| column);
        let columns = std::iter::once(&mut self.proxy).chain(known.into_iter().flatten()).chain(named);
        columns.for_each(|column| {
            let _ = column.try_reserve_exact(rows);
        });
    }

    /// Appends the rows of `other`. A column that either side lacks is dropped, unless `self` is empty.
    pub fn append(&mut self, other: Observed) {
        if self.is_empty() {
            *self = other;
            return;
        }
        self.step.extend(other.step);
        self.trajectory.extend(other.trajectory);
        self.outcome.extend(other.outcome);
        self.prompt.extend(other.prompt);
        self.group.extend(other.group);
        self.proxy.extend(other.proxy);
        extend(&mut self.reward, other.reward);
        extend(&mut self.advantage, other.advantage);
        extend(&mut self.log_prob, other.log_prob);
        extend(&mut self.ref_log_prob, other.ref_log_prob);
        extend(&mut self.length, other.length);
        extend_named(&mut self.parts, other.parts);
        extend_named(&mut self.features, other.features);
    }
}

fn extend(column: &mut Option<Vec<f64>>, other: Option<Vec<f64>>) {
    match (column.as_mut(), other) {
        (Some(rows), Some(more)) => rows.extend(more),
        _ => *column = None,
    }
}

fn extend_named(columns: &mut Vec<(String, Vec<f64>)>, mut others: Vec<(String, Vec<f64>)>) {
    columns.retain_mut(|(name, rows)| match others.iter_mut().find(|(n, _)| n == name) {
        Some((_, more)) => {
            rows.append(more);
            true
        }
        None => false,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_columns_are_appended_whatever_their_order_and_dropped_where_one_side_lacks_them() {
        let rows = |names: &[&str], value: f64| Observed {
            proxy: vec![0.0],
            features: names.iter().map(|name| ((*name).to_owned(), vec![value])).collect(),
            ..Observed::default()
        };
        let mut all = rows(&["a", "b", "c"], 1.0);
        all.append(rows(&["c", "d", "a"], 2.0));
        let column = |name: &str| (name.to_owned(), vec![1.0, 2.0]);
        assert_eq!(all.features, vec![column("a"), column("c")]);
    }
}
