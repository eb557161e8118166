//! Exact nearest neighbours: a k-d tree for few columns, a blocked scan of all rows for many.

use kiddo::{ImmutableKdTree, SquaredEuclidean};
use std::num::NonZeroUsize;

/// Columns up to which the tree is used. At 10⁵ correlated normal rows a query takes 24 µs in the tree and 200 in the scan with 8
/// columns, 1900 and 450 with 21.
const TREE_WIDTH: usize = 8;

/// Calibration rows that can be asked for the squared distances to their nearest.
pub(super) enum Neighbours {
    /// Up to two columns.
    Tree2(Tree<2>),
    /// Up to four.
    Tree4(Tree<4>),
    /// Up to eight.
    Tree8(Tree<TREE_WIDTH>),
    /// Any number.
    Scan(Scan),
}

impl Neighbours {
    /// Of `rows`, one after the other, `width` finite numbers each.
    pub fn of(rows: &[f64], width: usize) -> Self {
        // A tree is refused where it cannot be split, for example where all rows are equal.
        let tree = match width {
            0..=2 => Tree::of(rows, width).map(Self::Tree2),
            3..=4 => Tree::of(rows, width).map(Self::Tree4),
            5..=TREE_WIDTH => Tree::of(rows, width).map(Self::Tree8),
            _ => None,
        };
        tree.unwrap_or_else(|| Self::Scan(Scan::of(rows, width)))
    }

    /// Calls `each` with the number of every query and its `k` smallest squared distances, ascending; in any order.
    pub fn nearest(&self, queries: &[f64], k: usize, each: &mut dyn FnMut(usize, &[f64])) {
        match self {
            Self::Tree2(tree) => tree.nearest(queries, k, each),
            Self::Tree4(tree) => tree.nearest(queries, k, each),
            Self::Tree8(tree) => tree.nearest(queries, k, each),
            Self::Scan(scan) => scan.nearest(queries, k, each),
        }
    }
}

/// A k-d tree over rows padded to `K` numbers.
pub(super) struct Tree<const K: usize> {
    index: ImmutableKdTree<f64, K>,
    width: usize,
}

impl<const K: usize> Tree<K> {
    fn of(rows: &[f64], width: usize) -> Option<Self> {
        let points: Vec<[f64; K]> = rows.chunks_exact(width.max(1)).map(padded).collect();
        let index = ImmutableKdTree::new_from_slice(&points).ok()?;
        Some(Self { index, width })
    }

    fn nearest(&self, queries: &[f64], k: usize, each: &mut dyn FnMut(usize, &[f64])) {
        let Some(quantity) = NonZeroUsize::new(k) else { return };
        let points: Vec<[f64; K]> = queries.chunks_exact(self.width.max(1)).map(padded).collect();
        let mut squared = Vec::with_capacity(k);
        for row in near_each_other(&points) {
            let query = self.index.query(&points[row]).nearest_n::<SquaredEuclidean<f64>>(quantity);
            squared.clear();
            squared.extend(query.execute().iter().map(|found| found.distance));
            each(row, &squared);
        }
    }
}

fn padded<const K: usize>(row: &[f64]) -> [f64; K] {
    let mut point = [0.0; K];
    for (cell, x) in point.iter_mut().zip(row) {
        *cell = *x;
    }
    point
}

/// The points in the order of a Z-curve through standardised space: what one query loads, the next one needs too.
fn near_each_other<const K: usize>(points: &[[f64; K]]) -> Vec<usize> {
    let bits = (64 / K.max(1)).min(8);
    let levels = (1u64 << bits) as f64;
    let place = |point: &[f64; K]| {
        let cells = point.map(|x| ((x + 4.0) / 8.0 * levels).clamp(0.0, levels - 1.0) as u64);
        let bit = |at: usize| cells.iter().fold(0u64, move |key, cell| (key << 1) | ((cell >> at) & 1));
        (0..bits).rev().fold(0u64, |key, at| if K < 64 { (key << K) | bit(at) } else { bit(at) })
    };
    let keys: Vec<u64> = points.iter().map(place).collect();
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(|&row| keys[row]);
    order
}

/// Rows in blocks of eight, column by column within a block; the last block is filled up with rows infinitely far away.
pub(super) struct Scan {
    blocks: Vec<[f64; ROWS]>,
    width: usize,
}

/// Calibration rows a block.
const ROWS: usize = 8;
/// Queries that share a pass over the calibration rows.
const QUERIES: usize = 4;

impl Scan {
    fn of(rows: &[f64], width: usize) -> Self {
        let mut blocks = Vec::with_capacity(rows.len().div_ceil(ROWS));
        for chunk in rows.chunks(ROWS * width.max(1)) {
            for j in 0..width {
                let mut block = [f64::INFINITY; ROWS];
                for (cell, row) in block.iter_mut().zip(chunk.chunks_exact(width)) {
                    *cell = row[j];
                }
                blocks.push(block);
            }
        }
        Self { blocks, width }
    }

    fn nearest(&self, queries: &[f64], k: usize, each: &mut dyn FnMut(usize, &[f64])) {
        for (four, rows) in queries.chunks(QUERIES * self.width.max(1)).enumerate() {
            let count = rows.len() / self.width.max(1);
            // Column by column; queries that are not there repeat the first.
            let points: Vec<[f64; QUERIES]> = (0..self.width)
                .map(|j| std::array::from_fn(|q| rows[if q < count { q } else { 0 } * self.width + j]))
                .collect();
            let mut best: [Vec<f64>; QUERIES] = std::array::from_fn(|_| vec![f64::INFINITY; k]);
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || self.pass(&points, &mut best),
            );
            for (q, best) in best.iter().enumerate().take(count) {
                each(four * QUERIES + q, best);
            }
        }
    }

    /// One pass over all rows, which keeps the smallest squared distances of each query.
    #[inline(always)]
    fn pass(&self, points: &[[f64; QUERIES]], best: &mut [Vec<f64>; QUERIES]) {
        let mut limit = [f64::INFINITY; QUERIES];
        for block in self.blocks.chunks_exact(self.width.max(1)) {
            let mut sums = [[0.0; ROWS]; QUERIES];
            for (cells, point) in block.iter().zip(points) {
                for (sums, x) in sums.iter_mut().zip(point) {
                    *sums = std::array::from_fn(|row| {
                        let apart = cells[row] - x;
                        sums[row] + apart * apart
                    });
                }
            }
            for ((sums, best), limit) in sums.iter().zip(best.iter_mut()).zip(&mut limit) {
                if !sums.iter().fold(false, |near, sum| near | (*sum < *limit)) {
                    continue;
                }
                for &sum in sums {
                    if sum < *limit {
                        let place = best.partition_point(|d| *d <= sum);
                        best.pop();
                        best.insert(place, sum);
                        *limit = best.last().copied().unwrap_or(*limit);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudo-random rows of which many cells, and some rows, are equal.
    fn rows(count: usize, width: usize) -> Vec<f64> {
        let mut state = 7u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / (1u64 << 31) as f64
        };
        (0..count * width)
            .map(|i| if i % 3 == 0 { (draw() * 3.0).floor() } else { draw() * 6.0 - 3.0 })
            .collect()
    }

    fn all(index: &Neighbours, queries: &[f64], width: usize, k: usize) -> Vec<Vec<f64>> {
        let mut found = vec![Vec::new(); queries.len() / width];
        index.nearest(queries, k, &mut |row, squared| found[row] = squared.to_vec());
        found
    }

    fn by_hand(rows: &[f64], query: &[f64], k: usize) -> Vec<f64> {
        let squared = |row: &[f64]| row.iter().zip(query).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let mut every: Vec<f64> = rows.chunks_exact(query.len()).map(squared).collect();
        every.sort_by(f64::total_cmp);
        every.truncate(k);
        every
    }

    #[test]
    fn trees_and_scans_find_what_a_sort_finds() {
        for width in [1, 2, 3, 4, 5, 8, 9, 21] {
            let (calibration, queries) = (rows(500, width), rows(37, width));
            let index = Neighbours::of(&calibration, width);
            assert_eq!(matches!(index, Neighbours::Scan(_)), width > TREE_WIDTH);
            for (query, found) in queries.chunks_exact(width).zip(all(&index, &queries, width, 6)) {
                let want = by_hand(&calibration, query, 6);
                assert_eq!(found.len(), 6);
                for (a, b) in found.iter().zip(&want) {
                    assert!((a - b).abs() <= 1e-12 * b, "{width}: {found:?} {want:?}");
                }
            }
        }
    }

    #[test]
    fn ladders_and_equal_rows_are_no_trouble() {
        for width in [1, 4, 8, 12] {
            let ladder: Vec<f64> = (0..3000 * width).map(|i| ((i / width) % 2) as f64).collect();
            let index = Neighbours::of(&ladder, width);
            assert_eq!(all(&index, &vec![0.0; width], width, 6), [vec![0.0; 6]], "{width}");
            let equal = vec![1.0; 3000 * width];
            let index = Neighbours::of(&equal, width);
            assert_eq!(all(&index, &vec![0.0; width], width, 3), [vec![width as f64; 3]], "{width}");
        }
    }
}
