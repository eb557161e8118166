//! Squared distance from the calibration mean, in units of the calibration covariance (Mahalanobis 1936).

use super::chi_squared;
use super::columns::{Columns, names, needs};
use super::linear::{Moments, Whitener, dot};
use super::mcd::mcd;
use crate::detectors::input::{digits, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which covariance measures the distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Covariance {
    /// Of the calibration rows, denominator n − 1.
    #[default]
    Sample,
    /// The sample's correlations shrunk towards 0 (Ledoit & Wolf 2004): regular with any number of rows.
    Shrunk,
    /// Of the half of the calibration rows that lies closest together (FastMCD): contamination hardly moves it.
    /// Regularised where that half lies on a hyperplane, for example with a column that is mostly 0.
    Mcd,
}

/// The score is D² = (x − μ)ᵀ Σ⁻¹ (x − μ), with mean and covariance of the calibration rows.
///
/// The p-value's null is a new row from the normal law that the calibration rows came from: D²·n(n − d)/(d(n² − 1)) is F
/// with d and n − d degrees of freedom under `sample` (Hotelling 1931), and D² about χ² with d under `shrunk` and `mcd`; a
/// regularised `mcd` has none.
/// Activations are seldom normal: where the p-values matter, calibrate the score by rank. Columns are put on a
/// common scale before they are shrunk, so that no score depends on units or signs.
///
/// Refuses with [`Status::Missing`] or [`Status::NotFinite`] by name, with [`Status::TooFew`] where there are not more
/// rows than columns (`mcd`: 2d + 2 rows), with [`Status::Degenerate`] where columns are linear combinations of others.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mahalanobis {
    /// Feature columns, `proxy`, `length` or `log_ratio`; none: every feature column.
    #[serde(deserialize_with = "names")]
    pub columns: Vec<String>,
    /// Which covariance measures the distance.
    pub covariance: Covariance,
}

impl Detector for Mahalanobis {
    fn access(&self) -> Access {
        Access::Features
    }
    fn needs(&self) -> Vec<String> {
        needs(&self.columns)
    }
    fn fit(&self, calibration: &Observed, rng: &mut Stream) -> Fitted {
        match Ellipsoid::of(self, calibration, rng) {
            Ok(ellipsoid) => Fitted::Ready(Box::new(ellipsoid)),
            Err(status) => Fitted::Refused(status),
        }
    }
}

struct Ellipsoid {
    columns: Columns,
    covariance: Covariance,
    /// Number of calibration rows.
    rows: usize,
    /// In standardised columns.
    mean: Vec<f64>,
    whitener: Whitener,
    /// Whether the covariance is a regularised MCD, which has no null.
    regularised: bool,
}

impl Ellipsoid {
    fn of(settings: &Mahalanobis, calibration: &Observed, rng: &mut Stream) -> Result<Self, Status> {
        let (columns, cells) = Columns::fit(&settings.columns, calibration)?;
        let (rows, width) = (calibration.len(), columns.len());
        let mut cells = columns.by_column(&cells, true);
        let mut regularised = false;
        let moments = match settings.covariance {
            Covariance::Sample if rows <= width => {
                return Err(Status::TooFew { what: "calibration rollouts", have: rows, need: width + 1 });
            }
            Covariance::Sample => {
                let mut moments = Moments::centring(&mut cells, width);
                let unbiased = rows as f64 / (rows - 1) as f64;
                moments.covariance.iter_mut().for_each(|c| *c *= unbiased);
                moments
            }
            Covariance::Shrunk => shrunk(&mut cells, width),
            Covariance::Mcd => {
                let robust = mcd(&cells, width, rng)?;
                regularised = robust.regularised;
                robust.moments
            }
        };
        let whitener = moments.whitener().ok_or(Status::Degenerate {
            reason: "a column is a linear combination of others; use covariance = \"shrunk\", or fewer columns",
        })?;
        Ok(Self { columns, covariance: settings.covariance, rows, mean: moments.mean, whitener, regularised })
    }

    fn p_value(&self, distance: f64) -> f64 {
        let (n, d) = (self.rows as f64, self.mean.len() as f64);
        match self.covariance {
            Covariance::Sample => chi_squared::f_sf(d, n - d, distance * n * (n - d) / (d * (n * n - 1.0))),
            Covariance::Shrunk | Covariance::Mcd => chi_squared::sf(d, distance),
        }
    }
}

/// Mean and covariance of standardised columns, which are centred; the covariance is shrunk towards its mean diagonal by
/// the share that is optimal in mean square (Ledoit & Wolf 2004, *J. Multivariate Analysis* 88:365, §3.3).
fn shrunk(columns: &mut [f64], width: usize) -> Moments {
    let mut moments = Moments::centring(columns, width);
    let rows = columns.len() / width.max(1);
    let (n, d) = (rows as f64, width as f64);
    let diagonal = |covariance: &[f64]| covariance.iter().step_by(width + 1).sum::<f64>() / d;
    let level = diagonal(&moments.covariance);
    let squared: f64 = moments.covariance.iter().map(|c| c * c).sum();
    let mut norms = vec![0.0; rows];
    for column in columns.chunks_exact(rows) {
        for (norm, x) in norms.iter_mut().zip(column) {
            *norm += x * x;
        }
    }
    // Σᵢ‖xᵢxᵢᵀ − S‖² = Σᵢ‖xᵢ‖⁴ − n‖S‖², over n² and d: how far S is from the truth, at most how far it is from level·1.
    let spread = (squared / d - level * level).max(0.0);
    let error = ((dot(&norms, &norms) / n - squared) / (n * d)).clamp(0.0, spread);
    let share = if spread > 0.0 { error / spread } else { 1.0 };
    moments.covariance.iter_mut().for_each(|c| *c *= 1.0 - share);
    moments.covariance.iter_mut().step_by(width + 1).for_each(|c| *c += share * level);
    moments
}

impl Scorer for Ellipsoid {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let cells = self.columns.by_column(&self.columns.read(batch)?, true);
        let mut distances = vec![0.0; batch.len()];
        self.whitener.squared_distances(&cells, &self.mean, &mut distances);
        if self.regularised {
            return scores(distances);
        }
        let p_values = distances.iter().map(|&d| self.p_value(d)).collect();
        Ok(scores(distances)?.with_p_values(p_values))
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let Some(values) = self.columns.row(batch, row) else { return "absent".into() };
        let scaled = self.columns.standardized(&values, true);
        let centred: Vec<f64> = scaled.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        let solved = self.whitener.solve(&centred);
        let parts: Vec<f64> = centred.iter().zip(&solved).map(|(a, b)| a * b).collect();
        let distance: f64 = parts.iter().sum();
        let (d, name) = (
            self.mean.len(),
            match self.covariance {
                Covariance::Sample => "sample covariance",
                Covariance::Shrunk => "shrunk covariance",
                Covariance::Mcd if self.regularised => "regularised minimum covariance determinant",
                Covariance::Mcd => "minimum covariance determinant",
            },
        );
        let p = match self.regularised {
            true => String::new(),
            false => format!("p = {} if normal; ", digits(self.p_value(distance))),
        };
        format!(
            "squared Mahalanobis distance {} in {d} columns ({p}{name} of {} calibration rollouts), of which {}{}",
            digits(distance),
            self.rows,
            self.columns.strongest(&parts, &values),
            self.columns.note(batch, row),
        )
    }
}
