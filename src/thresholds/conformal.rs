//! p-values of detectors that have no null of their own.

use super::monitor::{Alarm, Monitor, Rows, Watcher};
use super::{Null, comparable, proper_rate};
use crate::foundation::failure::Status;
use crate::foundation::order::sorted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Alarms are p-values, ranks among the reference scores, at or below the rate: the rollouts that a
/// [`Quantile`](super::Quantile) finds, each with its p-value p = (1 + #{reference ≥ s})/(n + 1).
///
/// The null: a rollout is exchangeable with those of the reference. Refuses with [`Status::Resolution`] where n + 1 < 1/rate.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Conformal {}

impl Monitor for Conformal {
    fn start(&self, reference: Rows<'_>, rate: f64) -> Result<Box<dyn Watcher>, Status> {
        proper_rate(rate)?;
        Null::Conformal { calibration: reference.scores.len() }.resolves(rate)?;
        Ok(Box::new(ConformalWatcher { ranks: Ranks::of(reference.scores)?, rate }))
    }
}

struct ConformalWatcher {
    ranks: Ranks,
    rate: f64,
}

impl Watcher for ConformalWatcher {
    fn watch(&mut self, rows: Rows<'_>, alarms: &mut Vec<Alarm>) -> Result<(), Status> {
        comparable(rows.scores)?;
        // The margin lets 1/(n + 1) meet an equal rate.
        let most = self.rate * (1.0 + 1e-12);
        let p_values = rows.scores.iter().map(|score| self.ranks.p_value(*score)).enumerate();
        let low = p_values.filter(|(_, p)| *p <= most);
        alarms.extend(low.map(|(row, p)| Alarm { row, p_value: Some(p), threshold: None }));
        Ok(())
    }
    fn threshold(&self) -> Option<f64> {
        None
    }
}

/// Calibration scores, ascending.
struct Ranks(Vec<f64>);

impl Ranks {
    fn of(calibration: &[f64]) -> Result<Self, Status> {
        if calibration.is_empty() {
            return Err(Status::Resolution { have: 0, need: 1 });
        }
        comparable(calibration)?;
        Ok(Self(sorted(calibration)))
    }

    fn p_value(&self, score: f64) -> f64 {
        let n = self.0.len();
        let below = self.0.partition_point(|x| *x < score);
        (1 + n - below) as f64 / (n + 1) as f64
    }
}

/// Conformal p-values (1 + #{calibration ≥ score})/(n + 1) (Vovk, Gammerman & Shafer 2005; Bates et al. 2023,
/// *Annals of Statistics* 51:149).
///
/// Their null: the row is exchangeable with the calibration rows. The smallest possible value is 1/(n + 1).
///
/// # Errors
/// [`Status::Resolution`] of no calibration score, [`Status::Undefined`] of NaN.
pub fn conformal_p_values(calibration: &[f64], scores: &[f64]) -> Result<Vec<f64>, Status> {
    let ranks = Ranks::of(calibration)?;
    comparable(scores)?;
    Ok(scores.iter().map(|score| ranks.p_value(*score)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_among_the_calibration() {
        let p = conformal_p_values(&[1.0, 2.0, 3.0, 3.0], &[9.0, 3.0, 2.5, 0.0]).unwrap();
        assert_eq!(p, [0.2, 0.6, 0.6, 1.0]);
        assert!(conformal_p_values(&[], &[1.0]).is_err());
        assert!(conformal_p_values(&[1.0], &[f64::NAN]).is_err());
    }
}
