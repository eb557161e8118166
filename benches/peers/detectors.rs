//! The job that `detectors.py` does too: fit a detector on 10⁵ rows of 8 columns, 1% of them planted, and score them.
//!
//! `detectors NAME [TIMES]`: ecod, isolation_forest, knn or mcd, on one thread.

use std::error::Error;
use tailcatch::detectors::features::{Covariance, Ecod, IsolationForest, Knn, Mahalanobis};
use tailcatch::detectors::{Detector, Fitted};
use tailcatch::foundation::rng::{Purpose, SeedTree};

mod planted;

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
    let rows = planted::rows();
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
