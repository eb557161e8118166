//! The job that `detectors.py` does too: fit a detector on 10⁵ rows of 8 columns, 1% of them planted, and score them.
//!
//! `detectors NAME [TIMES]`: ecod, isolation_forest, knn or mcd, on one thread.

use std::error::Error;
use tailcatch::detectors::features::{Covariance, Ecod, IsolationForest, Knn, Mahalanobis};
use tailcatch::detectors::{Detector, Fitted};
use tailcatch::distributions::{Distribution, Normal, StudentT};
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::record::Observed;

const ROWS: usize = 100_000;
const COLUMNS: usize = 8;

/// Correlated normal rows; every hundredth is pushed away by 1.5 times a Student-t with 2 degrees of freedom.
fn rows() -> Observed {
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

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let times: u32 = arguments.next().map_or(Ok(1), |times| times.parse())?;
    let detector: Box<dyn Detector> = match name.as_str() {
        "ecod" => Box::new(Ecod::default()),
        "isolation_forest" => Box::new(IsolationForest::default()),
        "knn" => Box::new(Knn { standardize: false, ..Knn::default() }),
        "mcd" => Box::new(Mahalanobis { covariance: Covariance::Mcd, ..Mahalanobis::default() }),
        _ => return Err("the first argument is ecod, isolation_forest, knn or mcd".into()),
    };
    let rows = rows();
    for time in 0..times {
        let mut rng = SeedTree::new(1, u64::from(time)).stream(Purpose::Detector, 0);
        match detector.fit(&rows, &mut rng) {
            Fitted::Ready(mut scorer) => {
                let scores = scorer.score(&rows).map_err(|status| status.to_string())?;
                println!("{}", scores.values().iter().sum::<f64>());
            }
            Fitted::Refused(status) => return Err(status.to_string().into()),
        }
    }
    Ok(())
}
