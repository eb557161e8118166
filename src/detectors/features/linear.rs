//! Means, covariances and distances of rows kept column by column, and the one factorisation that they need.

use std::ops::Range;

/// A pivot below this share of its diagonal means that a column is a linear combination of others.
const COLLINEAR: f64 = 1e-10;

/// Mean and covariance (denominator `n`) of columns of equal length.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moments {
    /// One a column.
    pub mean: Vec<f64>,
    /// Row by row, symmetric.
    pub covariance: Vec<f64>,
}

impl Moments {
    /// Of `width` columns that stand one after the other in `columns`, which are centred in place.
    pub fn centring(columns: &mut [f64], width: usize) -> Self {
        let rows = columns.len() / width.max(1);
        let mut mean = Vec::with_capacity(width);
        for column in columns.chunks_exact_mut(rows.max(1)) {
            let centre = total(column) / rows as f64;
            column.iter_mut().for_each(|x| *x -= centre);
            mean.push(centre);
        }
        let mut covariance = vec![0.0; width * width];
        for (i, a) in columns.chunks_exact(rows.max(1)).enumerate() {
            for (j, b) in columns.chunks_exact(rows.max(1)).enumerate().take(i + 1) {
                let value = dot(a, b) / rows as f64;
                covariance[i * width + j] = value;
                covariance[j * width + i] = value;
            }
        }
        Self { mean, covariance }
    }

    /// The factor of the covariance, if it is regular.
    pub fn whitener(&self) -> Option<Whitener> {
        Whitener::of(&self.covariance, self.mean.len())
    }
}

/// Four running sums, so that additions need not wait for each other.
fn total(values: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (fours, rest) = values.as_chunks::<4>();
    for four in fours {
        for (sum, x) in sums.iter_mut().zip(four) {
            *sum += x;
        }
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// Σ aᵢ·bᵢ in eight running sums.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((a8, a_rest), (b8, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (x, y) in a8.iter().zip(b8) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum::<f64>()
}

/// W = L⁻¹ with L·Lᵀ the covariance (Cholesky): W·(x − mean) has the identity for its covariance.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Whitener {
    /// Lower triangle of W, row by row without gaps.
    lower: Vec<f64>,
    /// ln det of the covariance.
    pub ln_det: f64,
}

/// Where row `i` of a packed lower triangle stands.
fn packed(i: usize) -> Range<usize> {
    let start = i * (i + 1) / 2;
    start..start + i + 1
}

impl Whitener {
    /// Of a symmetric `width` × `width` matrix, row by row; `None` where it is not positive definite, or hardly.
    pub fn of(matrix: &[f64], width: usize) -> Option<Self> {
        let mut factor: Vec<f64> = Vec::with_capacity(width * (width + 1) / 2);
        let mut ln_det = 0.0;
        for i in 0..width {
            let row = matrix.get(i * width..(i + 1) * width)?;
            let mut own: Vec<f64> = Vec::with_capacity(i + 1);
            for (j, value) in row.iter().enumerate().take(i) {
                let other = factor.get(packed(j))?;
                let known: f64 = own.iter().zip(other).map(|(a, b)| a * b).sum();
                own.push((value - known) / other.last()?);
            }
            let rest = row[i] - own.iter().map(|a| a * a).sum::<f64>();
            if rest.is_nan() || rest <= COLLINEAR * row[i] {
                return None;
            }
            ln_det += rest.ln();
            own.push(rest.sqrt());
            factor.append(&mut own);
        }
        if !ln_det.is_finite() {
            return None;
        }
        // Row i of the inverse from the rows above it: L·W = 1.
        let mut lower: Vec<f64> = Vec::with_capacity(factor.len());
        for i in 0..width {
            let row = factor.get(packed(i))?;
            let pivot = row.last()?;
            for j in 0..i {
                let above: f64 = (j..i).map(|k| row[k] * lower[packed(k).start + j]).sum();
                lower.push(-above / pivot);
            }
            lower.push(1.0 / pivot);
        }
        Some(Self { lower, ln_det })
    }

    /// W·z for one row.
    pub fn whiten(&self, z: &[f64]) -> Vec<f64> {
        (0..z.len()).map(|i| self.lower[packed(i)].iter().zip(z).map(|(w, x)| w * x).sum()).collect()
    }

    /// Σ⁻¹·z = Wᵀ·W·z for one row.
    pub fn solve(&self, z: &[f64]) -> Vec<f64> {
        self.transposed(&self.whiten(z))
    }

    /// Wᵀ·y.
    pub fn transposed(&self, y: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; y.len()];
        for (i, y) in y.iter().enumerate() {
            for (out, w) in out.iter_mut().zip(&self.lower[packed(i)]) {
                *out += w * y;
            }
        }
        out
    }

    /// ‖W·(x − mean)‖² of every row of `columns`, which stand one after the other.
    pub fn squared_distances(&self, columns: &[f64], mean: &[f64], out: &mut [f64]) {
        const BLOCK: usize = 64;
        let (width, rows) = (mean.len(), out.len());
        let mut centred = vec![[0.0; BLOCK]; width];
        for (block, sums) in out.chunks_mut(BLOCK).enumerate() {
            let start = block * BLOCK;
            for (j, (cells, mean)) in centred.iter_mut().zip(mean).enumerate() {
                let column = &columns[j * rows + start..j * rows + start + sums.len()];
                for (cell, x) in cells.iter_mut().zip(column) {
                    *cell = x - mean;
                }
            }
            sums.fill(0.0);
            for i in 0..width {
                let mut whitened = [0.0; BLOCK];
                for (w, cells) in self.lower[packed(i)].iter().zip(&centred) {
                    for (sum, x) in whitened.iter_mut().zip(cells) {
                        *sum += w * x;
                    }
                }
                for (sum, y) in sums.iter_mut().zip(&whitened) {
                    *sum += y * y;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [f64; 12] = [1.0, 2.0, 4.0, -3.0, 0.5, 0.0, 2.0, 1.0, 5.0, -1.0, 0.0, 2.0];

    #[test]
    fn moments_and_distances_agree_with_the_definition() {
        let mut centred = COLUMNS;
        let moments = Moments::centring(&mut centred, 3);
        assert_eq!(moments.mean, [1.0, 0.875, 1.5]);
        // Column 0 centred: 0 1 3 -4; column 1: -.375 -.875 1.125 .125.
        assert_eq!(moments.covariance[0], 26.0 / 4.0);
        assert_eq!(moments.covariance[3], (-0.875 + 3.375 - 0.5) / 4.0);
        let whitener = moments.whitener().unwrap();
        let mut out = [0.0; 4];
        whitener.squared_distances(&COLUMNS, &moments.mean, &mut out);
        // In-sample squared distances sum to n·d when the denominator is n.
        assert!((out.iter().sum::<f64>() - 12.0).abs() < 1e-12);
        for (i, distance) in out.iter().enumerate() {
            let z: Vec<f64> = (0..3).map(|j| centred[j * 4 + i]).collect();
            let solved = whitener.solve(&z);
            assert!((z.iter().zip(&solved).map(|(a, b)| a * b).sum::<f64>() - distance).abs() < 1e-12);
            for (covariances, cell) in moments.covariance.chunks_exact(3).zip(&z) {
                let back: f64 = covariances.iter().zip(&solved).map(|(a, b)| a * b).sum();
                assert!((back - cell).abs() < 1e-12, "{back} {cell}");
            }
        }
    }

    #[test]
    fn singular_matrices_have_no_factor() {
        assert_eq!(Whitener::of(&[1.0, 1.0, 1.0, 1.0], 2), None);
        assert_eq!(Whitener::of(&[0.0], 1), None);
        assert_eq!(Whitener::of(&[f64::NAN], 1), None);
        assert!((Whitener::of(&[4.0, 0.0, 0.0, 0.25], 2).unwrap().ln_det).abs() < 1e-15);
    }

    #[test]
    fn long_sums_lose_nothing() {
        let ones = vec![1.0; 1003];
        assert_eq!((total(&ones), dot(&ones, &ones)), (1003.0, 1003.0));
    }
}
