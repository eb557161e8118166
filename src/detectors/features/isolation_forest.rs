//! How few random splits it takes to set a row apart (Liu, Ting & Zhou 2008, *ICDM*).

use super::columns::{Columns, names, needs};
use super::trees::Forest;
use crate::detectors::input::{digits, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU16;

/// The score is 2^(−h/c): h the mean path length over `trees` trees, each grown from `sample` calibration rows to a depth
/// of ⌈log₂ sample⌉, c = c(ψ) = 2·(ln(ψ − 1) + γ) − 2·(ψ − 1)/ψ the mean path length of an unsuccessful search among ψ = `sample` rows, γ = .5772 Euler's constant; where growth ends at a leaf of m rows,
/// c(m) is added to the path. ½ is ordinary, near 1 stands
/// out.
///
/// A split takes one column at random, of those that vary among the rows at hand, and a cut uniformly between their
/// extremes. Units do not matter; of each column only its order and gaps are used. A reason tells how much of the
/// score goes when a column is set to its calibration mean.
///
/// Refuses with [`Status::Missing`] or [`Status::NotFinite`] by name, with [`Status::AllTied`] where nothing varies, and with
/// [`Status::Undefined`] above 65,536 columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IsolationForest {
    /// Feature columns, `proxy`, `length` or `log_ratio`; none: every feature column.
    #[serde(deserialize_with = "names")]
    pub columns: Vec<String>,
    /// Number of trees.
    pub trees: NonZeroU16,
    /// Calibration rows that each tree is grown from; all where there are fewer.
    pub sample: NonZeroU16,
}

impl Default for IsolationForest {
    fn default() -> Self {
        const fn known(n: u16) -> NonZeroU16 {
            match NonZeroU16::new(n) {
                Some(n) => n,
                None => NonZeroU16::MIN,
            }
        }
        Self { columns: Vec::new(), trees: known(100), sample: known(256) }
    }
}

impl Detector for IsolationForest {
    fn access(&self) -> Access {
        Access::Features
    }
    fn needs(&self) -> Vec<String> {
        needs(&self.columns)
    }
    fn fit(&self, calibration: &Observed, rng: &mut Stream) -> Fitted {
        match Isolation::of(self, calibration, rng) {
            Ok(isolation) => Fitted::Ready(Box::new(isolation)),
            Err(status) => Fitted::Refused(status),
        }
    }
}

struct Isolation {
    columns: Columns,
    forest: Forest,
}

impl Isolation {
    fn of(settings: &IsolationForest, calibration: &Observed, rng: &mut Stream) -> Result<Self, Status> {
        let (columns, cells) = Columns::fit(&settings.columns, calibration)?;
        if columns.len() > 1 << 16 {
            return Err(Status::Undefined { reason: "above 65,536 columns; name fewer in `columns`" });
        }
        let cells: Vec<&[f64]> = cells.iter().map(|c| &**c).collect();
        let (trees, sample) = (settings.trees.get().into(), settings.sample.get().into());
        Ok(Self { columns, forest: Forest::grow(&cells, trees, sample, rng) })
    }

    fn score_of(&self, row: &[f64]) -> f64 {
        let cells: Vec<&[f64]> = row.chunks(1).collect();
        self.forest.scores(&cells, 1).first().copied().unwrap_or_default()
    }
}

impl Scorer for Isolation {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let cells = self.columns.read(batch)?;
        let cells: Vec<&[f64]> = cells.iter().map(|c| &**c).collect();
        scores(self.forest.scores(&cells, batch.len()))
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let Some(values) = self.columns.row(batch, row) else { return "absent".into() };
        let score = self.score_of(&values);
        let mut ordinary = values.clone();
        let parts: Vec<f64> = (0..values.len())
            .map(|j| {
                ordinary[j] = self.columns.means()[j];
                let part = score - self.score_of(&ordinary);
                ordinary[j] = values[j];
                part
            })
            .collect();
        format!(
            "isolation score {} (0.5 is ordinary): set apart after {} splits on average, {} are ordinary; at its calibration \
             mean a column would take off {}{}",
            digits(score),
            digits(self.forest.path_length(score)),
            digits(self.forest.ordinary()),
            self.columns.strongest(&parts, &values),
            self.columns.note(batch, row),
        )
    }
}
