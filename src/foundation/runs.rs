//! A column in which neighbours are mostly equal, such as the training step of each rollout.

/// Whole numbers, each stretch of equal neighbours once with its length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Runs {
    runs: Vec<(u64, usize)>,
    len: usize,
}

impl Runs {
    /// Appends a number so many times.
    pub fn push(&mut self, value: u64, times: usize) {
        match self.runs.last_mut() {
            _ if times == 0 => return,
            Some((last, count)) if *last == value => *count += times,
            _ => self.runs.push((value, times)),
        }
        self.len += times;
    }

    /// How many numbers there are, equal ones counted.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The stretches in their order: number and length, neighbours of different numbers.
    pub fn stretches(&self) -> &[(u64, usize)] {
        &self.runs
    }

    /// The numbers, equal ones repeated.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.runs.iter().flat_map(|(value, times)| std::iter::repeat_n(*value, *times))
    }

    /// Whether they ascend.
    pub fn is_sorted(&self) -> bool {
        self.runs.is_sorted()
    }
}

impl FromIterator<u64> for Runs {
    fn from_iter<I: IntoIterator<Item = u64>>(values: I) -> Self {
        let mut runs = Self::default();
        values.into_iter().for_each(|value| runs.push(value, 1));
        runs
    }
}

impl From<&[u64]> for Runs {
    fn from(values: &[u64]) -> Self {
        values.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_neighbours_are_held_once() {
        let values = [3, 3, 5, 5, 5, 3];
        let mut runs = Runs::from(values.as_slice());
        assert_eq!(runs.stretches(), [(3, 2), (5, 3), (3, 1)]);
        assert!(runs.iter().eq(values) && runs.len() == 6 && !runs.is_sorted());
        runs.push(3, 0);
        runs.push(3, 2);
        assert_eq!((runs.stretches().len(), runs.len()), (3, 8));
        assert!(Runs::default().is_empty() && Runs::default().is_sorted());
    }
}
