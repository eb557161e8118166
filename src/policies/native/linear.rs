//! Matrix products on plain f32 arrays, row by row, and the sums over rows that go with them.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

/// A factor of a product: numbers row by row and the shape in which they are stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Factor<'a> {
    numbers: &'a [f32],
    shape: [usize; 2],
    transposed: bool,
}

impl<'a> Factor<'a> {
    /// The first rows·columns numbers as a matrix of that shape.
    pub fn new(numbers: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { numbers: &numbers[..rows * columns], shape: [rows, columns], transposed: false }
    }

    /// The transposed of a matrix that is stored in shape \[rows, columns\].
    pub fn transposed(numbers: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { transposed: true, ..Self::new(numbers, rows, columns) }
    }

    /// As ndarray sees it; the numbers were cut to the shape, so there always is one.
    fn view(&self) -> Option<ArrayView2<'a, f32>> {
        let view = ArrayView2::from_shape(self.shape, self.numbers).ok()?;
        Some(if self.transposed { view.reversed_axes() } else { view })
    }
}

/// out ← a·b + keep·out, with as many rows as a and columns as b; what `out` holds beyond them stays.
pub(super) fn multiply(a: Factor<'_>, b: Factor<'_>, keep: f32, out: &mut [f32]) {
    let (Some(a), Some(b)) = (a.view(), b.view()) else { return };
    let shape = [a.nrows(), b.ncols()];
    let out = &mut out[..shape[0] * shape[1]];
    if let Ok(mut out) = ArrayViewMut2::from_shape(shape, out) {
        general_mat_mul(1.0, &a, &b, keep, &mut out);
    }
}

/// Writes the same row into every row.
pub(super) fn repeat(row: &[f32], out: &mut [f32]) {
    out.chunks_exact_mut(row.len()).for_each(|out| out.copy_from_slice(row));
}

/// out ← out + x, number by number.
#[inline(always)]
pub(super) fn add(x: &[f32], out: &mut [f32]) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out += x);
}

/// out ← the sum of all rows.
pub(super) fn sum_rows(rows: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || rows.chunks_exact(out.len()).for_each(|row| add(row, out)),
    );
}

/// Makes room for `length` numbers without giving memory back.
pub(super) fn reserve(buffer: &mut Vec<f32>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_what_they_are_by_hand() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, -1.0, 0.5, 2.0, 3.0, 1.0]);
        let mut out = vec![10.0; 5];
        multiply(Factor::new(&a, 2, 3), Factor::new(&b, 3, 2), 0.0, &mut out);
        assert_eq!(out, [11.0, 6.0, 24.5, 12.0, 10.0]);
        multiply(Factor::new(&a, 2, 3), Factor::new(&b, 3, 2), 1.0, &mut out);
        assert_eq!(out, [22.0, 12.0, 49.0, 24.0, 10.0]);
        multiply(Factor::transposed(&a, 3, 2), Factor::transposed(&b, 2, 3), 0.0, &mut out);
        assert_eq!(out[..4], [1.0 - 3.0 + 2.5, 2.0 + 9.0 + 5.0, 2.0 - 4.0 + 3.0, 4.0 + 12.0 + 6.0]);
    }

    #[test]
    fn rows_are_repeated_and_summed() {
        let mut rows = vec![0.0; 6];
        repeat(&[1.0, 2.0], &mut rows);
        let mut sum = vec![7.0; 2];
        sum_rows(&rows, &mut sum);
        assert_eq!(sum, [3.0, 6.0]);
    }
}
