//! Isolation trees in flat arrays: every tree is padded to the same depth, so that scoring is a fixed number of steps
//! without a branch.

use crate::foundation::rng::Stream;
use std::f64::consts::LN_2;

/// Euler's constant, to the digits of f64.
const EULER: f64 = 0.577_215_664_901_532_9;
/// Rows that go down a tree together, so that their loads overlap.
const BLOCK: usize = 16;

/// Trees of one depth: their splits as heaps whose root is at 1, their leaves from left to right.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Forest {
    depth: u32,
    /// A row goes right where its column is at least this: never at +∞, which stands below leaves that are not at the bottom.
    cuts: Vec<f64>,
    /// Which column.
    split_on: Vec<u16>,
    /// Path length of each leaf, divided by the number of trees.
    leaves: Vec<f64>,
    /// Mean path length of an unsuccessful search among the rows of a tree.
    ordinary: f64,
}

/// Mean path length of an unsuccessful search in a binary tree of `n` rows (Liu et al. 2008, eq. 1).
fn mean_path(n: usize) -> f64 {
    match n {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => 2.0 * (((n - 1) as f64).ln() + EULER) - 2.0 * (n - 1) as f64 / n as f64,
    }
}

/// One tree under construction.
struct Growth<'a, 's> {
    columns: &'a [&'a [f64]],
    depth: u32,
    trees: f64,
    cuts: &'a mut [f64],
    split_on: &'a mut [u16],
    leaves: &'a mut [f64],
    /// Columns in an order that is shuffled as splits are looked for.
    order: Vec<usize>,
    rng: &'s mut Stream,
}

impl Growth<'_, '_> {
    /// Grows the node at `heap` on `level` from `rows`.
    fn node(&mut self, rows: &mut [usize], heap: usize, level: u32) {
        let split = if level < self.depth && rows.len() > 1 { self.draw(rows) } else { None };
        let Some((chosen, cut)) = split else {
            let below = self.depth - level;
            let first = (heap << below) - (1 << self.depth);
            let length = f64::from(level) + mean_path(rows.len());
            self.leaves[first] = length / self.trees;
            return;
        };
        self.cuts[heap] = cut;
        self.split_on[heap] = chosen as u16;
        let column = self.columns[chosen];
        let mut left = 0;
        for i in 0..rows.len() {
            if column[rows[i]] < cut {
                rows.swap(i, left);
                left += 1;
            }
        }
        let (low, high) = rows.split_at_mut(left);
        self.node(low, 2 * heap, level + 1);
        self.node(high, 2 * heap + 1, level + 1);
    }

    /// A column at random, of those that vary, and a cut above its smallest value and up to its largest.
    fn draw(&mut self, rows: &[usize]) -> Option<(usize, f64)> {
        for tried in 0..self.order.len() {
            let other = tried + self.rng.below((self.order.len() - tried) as u64) as usize;
            self.order.swap(tried, other);
            let chosen = self.order[tried];
            let column = self.columns[chosen];
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for &row in rows {
                low = low.min(column[row]);
                high = high.max(column[row]);
            }
            if low < high {
                let u = self.rng.open_unit();
                let cut = low * (1.0 - u) + high * u;
                let cut = if cut > low && cut <= high { cut } else { high };
                return Some((chosen, cut));
            }
        }
        None
    }
}

impl Forest {
    /// `trees` trees from `sample` rows each, drawn without replacement; columns of equal length, at most 2¹⁶, none NaN.
    pub fn grow(columns: &[&[f64]], trees: usize, sample: usize, rng: &mut Stream) -> Self {
        let count = columns.first().map_or(0, |c| c.len());
        let sample = sample.min(count).max(1);
        let depth = usize::BITS - (sample - 1).leading_zeros();
        let width = 1 << depth;
        let mut cuts = vec![f64::INFINITY; trees * width];
        let mut split_on = vec![0; trees * width];
        let mut leaves = vec![0.0; trees * width];
        let mut rows: Vec<usize> = (0..count).collect();
        let places = cuts.chunks_exact_mut(width).zip(split_on.chunks_exact_mut(width));
        for ((cuts, split_on), leaves) in places.zip(leaves.chunks_exact_mut(width)) {
            for taken in 0..sample {
                let other = taken + rng.below((count - taken) as u64) as usize;
                rows.swap(taken, other);
            }
            let (order, trees) = ((0..columns.len()).collect(), trees as f64);
            let mut growth = Growth { columns, depth, trees, cuts, split_on, leaves, order, rng: &mut *rng };
            growth.node(&mut rows[..sample], 1, 0);
        }
        Self { depth, cuts, split_on, leaves, ordinary: mean_path(sample) }
    }

    /// Scores of `count` rows.
    pub fn scores(&self, columns: &[&[f64]], count: usize) -> Vec<f64> {
        let width = 1usize << self.depth;
        let mut lengths = vec![0.0; count];
        let mut cells = vec![[0.0; BLOCK]; columns.len()];
        for (block, lengths) in lengths.chunks_mut(BLOCK).enumerate() {
            for (cells, column) in cells.iter_mut().zip(columns) {
                let rows = &column[block * BLOCK..block * BLOCK + lengths.len()];
                cells[..rows.len()].copy_from_slice(rows);
            }
            let mut sums = [0.0; BLOCK];
            let splits = self.cuts.chunks_exact(width).zip(self.split_on.chunks_exact(width));
            for ((cuts, split_on), leaves) in splits.zip(self.leaves.chunks_exact(width)) {
                let mut at = [1u32; BLOCK];
                for _ in 0..self.depth {
                    for (lane, heap) in at.iter_mut().enumerate() {
                        let node = *heap as usize;
                        let x = cells[split_on[node] as usize][lane];
                        *heap = 2 * *heap + u32::from(x >= cuts[node]);
                    }
                }
                for (sum, heap) in sums.iter_mut().zip(at) {
                    *sum += leaves[heap as usize - width];
                }
            }
            lengths.copy_from_slice(&sums[..lengths.len()]);
        }
        let per_length = if self.ordinary > 0.0 { -1.0 / self.ordinary } else { 0.0 };
        lengths.iter_mut().for_each(|h| *h = (*h * per_length).exp2());
        lengths
    }

    /// The mean path length behind a score.
    pub fn path_length(&self, score: f64) -> f64 {
        -score.ln() / LN_2 * self.ordinary
    }

    /// Mean path length of an unsuccessful search among a tree's rows.
    pub fn ordinary(&self) -> f64 {
        self.ordinary
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    fn stream(index: u64) -> Stream {
        SeedTree::new(5, 0).stream(Purpose::Detector, index)
    }

    #[test]
    fn mean_paths_are_those_of_the_paper() {
        // 2H(255) − 2·255/256 with H(i) ≈ ln i + γ.
        assert!((mean_path(256) - 10.244770920119917).abs() < 1e-12);
        assert_eq!((mean_path(1), mean_path(2)), (0.0, 1.0));
    }

    #[test]
    fn a_row_far_away_is_set_apart_at_once_and_its_path_is_counted() {
        let mut column: Vec<f64> = (0..64).map(f64::from).collect();
        column.push(1e6);
        let forest = Forest::grow(&[&column], 200, 65, &mut stream(0));
        let made = forest.scores(&[&column], 65);
        // The first cut falls between 63 and 10⁶ with probability .99994: one split.
        assert!((forest.path_length(made[64]) - 1.0).abs() < 0.05, "{}", forest.path_length(made[64]));
        assert!(made[..64].iter().all(|s| *s < 0.65 && *s < made[64]), "{made:?}");
    }

    #[test]
    fn paths_in_the_padded_tree_are_those_of_the_tree() {
        // Every row of a tree that separates all of them ends at its own depth: Σ 2^(−depth) = 1 (Kraft).
        let column: Vec<f64> = (0..4).map(f64::from).collect();
        for seed in 0..50 {
            let forest = Forest::grow(&[&column], 1, 4, &mut stream(seed));
            let lengths: Vec<f64> =
                forest.scores(&[&column], 4).iter().map(|s| forest.path_length(*s)).collect();
            // Depth 2 at most: two levels split in half, or one row, one row and two rows left (2 + c(2) = 3).
            let mut sorted = lengths.clone();
            sorted.sort_by(f64::total_cmp);
            let near = |want: [f64; 4]| sorted.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-9);
            assert!(near([2.0; 4]) || near([1.0, 2.0, 3.0, 3.0]), "{lengths:?}");
        }
    }

    #[test]
    fn rows_that_are_all_alike_are_one_leaf() {
        let column = [1.0; 10];
        let forest = Forest::grow(&[&column], 10, 8, &mut stream(0));
        assert!(forest.scores(&[&column], 10).iter().all(|s| (s - 0.5).abs() < 1e-12));
        let one = Forest::grow(&[&[3.0]], 5, 256, &mut stream(0));
        assert_eq!(one.scores(&[&[3.0, 9.0]], 2), [1.0, 1.0]);
    }

    #[test]
    fn cuts_between_the_largest_numbers_do_not_overflow() {
        let column = [-f64::MAX, f64::MAX, 0.0];
        let forest = Forest::grow(&[&column], 10, 3, &mut stream(0));
        assert!(forest.scores(&[&column], 3).iter().all(|s| (0.0..=1.0).contains(s)));
    }
}
