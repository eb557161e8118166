//! Distance to the nearest calibration rows (Ramaswamy, Rastogi & Shim 2000, *SIGMOD*).

use super::columns::{Columns, names, needs};
use super::neighbours::Neighbours;
use crate::detectors::input::{digits, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU16;

/// Which of the distances to the k nearest calibration rows is the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// To the k-th (Ramaswamy et al. 2000).
    #[default]
    Largest,
    /// The mean of all k (Angiulli & Pizzuti 2002).
    Mean,
}

/// The score is the Euclidean distance d = √(Σ (x − y)²) to the `k`-th nearest calibration row y, the sum over columns, or the mean over the `k` nearest. Exact.
///
/// A row is no neighbour of itself: where a calibration row equals it in every column, one such row is left out. So
/// calibration rows are scored by the others, and their scores can be compared with those of new rows.
///
/// Refuses with [`Status::Missing`] or [`Status::NotFinite`] by name, with [`Status::TooFew`] under k + 1 rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Knn {
    /// Feature columns, `proxy`, `length` or `log_ratio`; none: every feature column.
    #[serde(deserialize_with = "names")]
    pub columns: Vec<String>,
    /// Number of neighbours.
    pub k: NonZeroU16,
    /// Which of their distances is the score.
    pub distance: Distance,
    /// Whether columns are put on a common scale, by their calibration standard deviations. Otherwise the column with the
    /// largest numbers decides.
    pub standardize: bool,
}

impl Default for Knn {
    fn default() -> Self {
        let k = const {
            match NonZeroU16::new(5) {
                Some(k) => k,
                None => NonZeroU16::MIN,
            }
        };
        Self { columns: Vec::new(), k, distance: Distance::Largest, standardize: true }
    }
}

impl Detector for Knn {
    fn access(&self) -> Access {
        Access::Features
    }
    fn needs(&self) -> Vec<String> {
        needs(&self.columns)
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        match Cloud::of(self, calibration) {
            Ok(cloud) => Fitted::Ready(Box::new(cloud)),
            Err(status) => Fitted::Refused(status),
        }
    }
}

struct Cloud {
    columns: Columns,
    settings: Knn,
    /// Calibration rows, one after the other.
    rows: Vec<f64>,
    index: Neighbours,
}

impl Cloud {
    fn of(settings: &Knn, calibration: &Observed) -> Result<Self, Status> {
        let (columns, cells) = Columns::fit(&settings.columns, calibration)?;
        let need = usize::from(settings.k.get()) + 1;
        if calibration.len() < need {
            return Err(Status::TooFew { what: "calibration rollouts", have: calibration.len(), need });
        }
        let rows = columns.by_row(&cells, settings.standardize);
        let index = Neighbours::of(&rows, columns.len());
        Ok(Self { columns, settings: settings.clone(), rows, index })
    }

    /// The distance that counts, of k + 1 squared ones in ascending order.
    fn distance(&self, squared: &[f64]) -> f64 {
        let own = usize::from(squared.first() == Some(&0.0));
        let k = usize::from(self.settings.k.get());
        let others = squared.get(own..own + k).unwrap_or_default();
        match self.settings.distance {
            Distance::Largest => others.last().copied().unwrap_or_default().sqrt(),
            Distance::Mean => others.iter().map(|d| d.sqrt()).sum::<f64>() / k as f64,
        }
    }
}

impl Scorer for Cloud {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let queries = self.columns.by_row(&self.columns.read(batch)?, self.settings.standardize);
        let mut distances = vec![0.0; batch.len()];
        let asked = usize::from(self.settings.k.get()) + 1;
        self.index.nearest(&queries, asked, &mut |row, squared| distances[row] = self.distance(squared));
        scores(distances)
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let Some(values) = self.columns.row(batch, row) else { return "absent".into() };
        let point = self.columns.standardized(&values, self.settings.standardize);
        let squares =
            |other: &[f64]| point.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).collect::<Vec<f64>>();
        let mut order: Vec<(f64, usize)> = self
            .rows
            .chunks_exact(point.len().max(1))
            .enumerate()
            .map(|(i, other)| (squares(other).iter().sum(), i))
            .collect();
        let k = usize::from(self.settings.k.get());
        let asked = (k + 1).min(order.len());
        order.select_nth_unstable_by(asked - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        order.truncate(asked);
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let squared: Vec<f64> = order.iter().map(|(d, _)| *d).collect();
        let last = if squared.first() == Some(&0.0) { k } else { k - 1 };
        let neighbour = order.get(last).map_or(0, |(_, i)| *i);
        let other = self.rows.chunks_exact(point.len().max(1)).nth(neighbour).unwrap_or_default();
        let what = match self.settings.distance {
            Distance::Largest => format!("distance to calibration neighbour {k}"),
            Distance::Mean => format!("mean distance to the {k} nearest calibration rollouts"),
        };
        format!(
            "{what} {} ({}); squared distance to neighbour {k} {}, of which {}{}",
            digits(self.distance(&squared)),
            if self.settings.standardize { "in standard deviations" } else { "in the columns' units" },
            digits(squared.get(last).copied().unwrap_or_default()),
            self.columns.strongest(&squares(other), &values),
            self.columns.note(batch, row),
        )
    }
}
