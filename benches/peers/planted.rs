//! The rows that detectors of feature columns are timed on.

use tailcatch::distributions::{Distribution, Normal, StudentT};
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::record::Observed;

/// Number of rows.
pub const ROWS: usize = 100_000;
const COLUMNS: usize = 8;

/// Correlated normal rows; every hundredth is pushed away by 1.5 times a Student-t with 2 degrees of freedom.
pub fn rows() -> Observed {
    let mut stream = SeedTree::new(1, 0).stream(Purpose::Calibration, 0);
    let mut normal = |n: usize| {
        let mut values = vec![0.0; n];
        Normal::default().fill(&mut values, &mut stream);
        values
    };
    let (mix, sources) = (normal(COLUMNS * COLUMNS), normal(ROWS * COLUMNS));
    let mut features: Vec<(String, Vec<f64>)> =
        (0..COLUMNS).map(|j| (format!("x{j}"), normal(ROWS).iter().map(|x| 0.3 * x).collect())).collect();
    let mut pushes = vec![0.0; ROWS / 100 * COLUMNS];
    StudentT::default().fill(&mut pushes, &mut SeedTree::new(1, 0).stream(Purpose::Error, 0));
    for (j, (_, column)) in features.iter_mut().enumerate() {
        for (row, x) in column.iter_mut().enumerate() {
            let source = &sources[row * COLUMNS..(row + 1) * COLUMNS];
            *x += source.iter().zip(&mix[j * COLUMNS..]).map(|(s, a)| s * a).sum::<f64>()
                / (COLUMNS as f64).sqrt();
            if row % 100 == 0 {
                *x += 1.5 * pushes[row / 100 * COLUMNS + j];
            }
        }
    }
    Observed { step: vec![0; ROWS], proxy: vec![0.0; ROWS], features, ..Observed::default() }
}
