//! Rows that belong together.

use crate::foundation::order::median;
use std::collections::HashMap;

/// On which rows a score may depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The row alone.
    Row,
    /// Its prompt's at that step.
    Group,
    /// Its step's.
    Step,
}

impl Reach {
    /// From the nearest to the farthest.
    pub const ALL: [Self; 3] = [Self::Row, Self::Group, Self::Step];
}

/// Rows that belong together: the number of each row's group, and the rows of each group, ascending.
pub(super) struct Grouping {
    pub of: Vec<usize>,
    pub rows: Vec<Vec<usize>>,
}

impl Grouping {
    /// Rows with equal keys, groups numbered by first appearance.
    pub fn new(keys: &[u64]) -> Self {
        let mut numbers: HashMap<u64, usize> = HashMap::new();
        let mut rows: Vec<Vec<usize>> = Vec::new();
        let of = keys.iter().enumerate().map(|(row, key)| {
            let next = rows.len();
            let group = *numbers.entry(*key).or_insert(next);
            if group == next {
                rows.push(Vec::new());
            }
            rows[group].push(row);
            group
        });
        Self { of: of.collect(), rows }
    }

    /// All rows of the groups of these, in ascending order.
    pub fn company(&self, rows: &[usize]) -> Vec<usize> {
        let mut touched: Vec<usize> = rows.iter().map(|row| self.of[*row]).collect();
        touched.sort_unstable();
        touched.dedup();
        let mut company: Vec<usize> = touched.iter().flat_map(|group| &self.rows[*group]).copied().collect();
        company.sort_unstable();
        company
    }

    /// The median of each group's values.
    pub fn medians(&self, values: &[f64]) -> Vec<f64> {
        let of = |rows: &Vec<usize>| median(&rows.iter().map(|row| values[*row]).collect::<Vec<f64>>());
        self.rows.iter().map(|rows| of(rows).unwrap_or(0.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_numbered_by_first_appearance() {
        let groups = Grouping::new(&[7, 3, 7, 9, 3, 7]);
        assert_eq!(groups.of, [0, 1, 0, 2, 1, 0]);
        assert_eq!(groups.company(&[4, 2]), [0, 1, 2, 4, 5]);
        assert_eq!(groups.company(&[]), Vec::<usize>::new());
        assert_eq!(groups.medians(&[1.0, 5.0, 4.0, 8.0, 7.0, 2.0]), [2.0, 6.0, 8.0]);
    }
}
