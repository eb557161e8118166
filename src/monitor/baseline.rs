//! A detector on what is normal: fitted once, with the scores of the rollouts that it learnt from.

use super::calibration::{Calibration, Windows};
use super::source::Source;
use crate::detectors::{DetectorSpec, Fit};
use crate::foundation::failure::Status;
use crate::foundation::order::sorted;
use crate::foundation::rng::SeedTree;
use crate::record::{Error, Observed};
use std::borrow::Cow;
use std::ops::Range;

/// From what a detector learns what is normal.
#[derive(Debug, Clone)]
pub(super) enum Normal {
    /// The same rollouts for all steps; `own` if they are those that are judged.
    Rollouts { calibration: Box<Observed>, own: bool },
    /// For each step, the `width` steps that ended `lag` steps before it.
    Window { width: usize, lag: usize },
}

/// A detector fitted on some rollouts.
pub(super) struct Baseline<'a> {
    /// The detector.
    pub fit: Fit,
    calibration: Calibration<'a>,
    scores: Option<Vec<f64>>,
    ascending: Option<Vec<f64>>,
}

impl<'a> Baseline<'a> {
    pub fn new(spec: &DetectorSpec, calibration: Calibration<'a>) -> Result<Self, Status> {
        let fit = match calibration.ascending().and_then(|rewards| Fit::of_rewards(spec, rewards)) {
            Some(fit) => fit?,
            None => Fit::new(spec, calibration.rows(), &SeedTree::new(0, 0))?,
        };
        Ok(Self { fit, calibration, scores: None, ascending: None })
    }

    /// Rollouts that it learnt from.
    pub fn len(&self) -> usize {
        self.calibration.len()
    }

    /// Their scores, row by row. Ends a run that is under way.
    pub fn scores(&mut self) -> Result<&[f64], Status> {
        let scores = match self.scores.take() {
            Some(scores) => scores,
            None => self.fit.score(self.calibration.rows())?.values().to_vec(),
        };
        Ok(self.scores.insert(scores))
    }

    /// Their p-values, where the detector has any of its own. Ends a run that is under way.
    pub fn p_values(&mut self) -> Result<Vec<f64>, Status> {
        let scores = self.fit.score(self.calibration.rows())?;
        Ok(scores.p_values().unwrap_or_default().to_vec())
    }

    /// Their scores, ascending. Ends a run that is under way.
    pub fn ascending(&mut self) -> Result<&[f64], Status> {
        let ascending = match self.ascending.take() {
            Some(ascending) => ascending,
            None => sorted(self.scores()?),
        };
        Ok(self.ascending.insert(ascending))
    }
}

/// Calibration rollouts and the rows that a fit on them judges.
type Segment<'a> = (Calibration<'a>, Range<usize>);

/// Each fit's calibration rollouts and rows, window by window or all at once.
pub(super) fn segments<'a>(
    source: &'a Source<'_>,
    normal: &'a Normal,
) -> Box<dyn Iterator<Item = Result<Segment<'a>, Error>> + 'a> {
    match *normal {
        Normal::Rollouts { ref calibration, .. } => {
            let rows = 0..source.rows();
            Box::new(std::iter::once(Ok((Calibration::Whole(Cow::Borrowed(&**calibration)), rows))))
        }
        Normal::Window { width, lag } => Box::new(Windows::new(source, width, lag)),
    }
}
