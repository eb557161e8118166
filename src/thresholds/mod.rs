//! From scores to flags: who is looked at. One rule a file, apart from any detector.
//!
//! Each rule gives the flagged rows, most suspicious first (equal ones in row order), and the threshold in force.
//! A rule that its calibration cannot resolve refuses with [`Status::Resolution`]: n calibration rows cannot tell
//! rates below 1/(n + 1) apart. None of the rules asks for a "contamination" share: what is declared is a rate of
//! false alarms, a false discovery rate, or a number of audits.
//!
//! A [`Monitor`] goes along with a run: set up from reference scores, it raises alarms step by step. [`Spot`] and
//! [`DriftSpot`] judge score by score, with a threshold that moves; [`EProcess`] watches whether the alarms of a fixed threshold
//! come more often than they should, and may be looked at after every step.
//!
//! A new monitor is a file, a `mod` line and a row in [`MonitorSpec`].

mod alert_rate;
mod budget;
mod conformal;
mod drift_spot;
mod e_process;
mod fdr;
mod monitor;
mod p_value;
mod quantile;
mod spot;
mod weighted;

pub use alert_rate::{alert_rate, calibrated_threshold};
pub use budget::budget;
pub use conformal::{Conformal, conformal_p_values};
pub use drift_spot::{DriftSpot, DriftSpotWatcher};
pub use e_process::{EProcess, EProcessWatcher, Evidence};
pub use fdr::{Null, benjamini_hochberg};
pub use monitor::{Alarm, Monitor, Promise, Rows, Watcher};
pub use p_value::p_value;
pub use quantile::Quantile;
pub use spot::{Spot, SpotWatcher, Verdict, times_nominal};
pub use weighted::{Weighted, WeightedPValues, weighted_conformal_p_values};

use crate::foundation::failure::Status;

crate::registry! {
    /// A monitor, as written in a config: `{ drift_spot = { depth = 500 } }`.
    pub enum MonitorSpec => dyn Monitor {
        "quantile" => Quantile: "scores above the reference's quantile at a nominal rate", "Papadopoulos et al. 2002; Vovk et al. 2005";
        "conformal" => Conformal: "ranks among the reference scores as p-values at a nominal rate", "Vovk, Gammerman & Shafer 2005; Bates et al. 2023";
        "spot" => Spot: "adapts the threshold online to the tail of the scores", "Siffer et al. 2017";
        "drift_spot" => DriftSpot: "adapts the threshold online to the tail of scores relative to their moving mean", "Siffer et al. 2017, section 4.4";
        "e_process" => EProcess: "one alarm for the run, once a threshold is exceeded more often than it should be", "Waudby-Smith & Ramdas 2024; Shafer & Vovk 2019";
        "weighted" => Weighted: "conformal p-values weighted by the policy's likelihood ratio", "Tibshirani et al. 2019";
    }
}

/// What a rule flagged.
#[derive(Debug, Clone, PartialEq)]
pub struct Flags {
    /// Flagged rows, 0-based, most suspicious first; the rank of a flag is its place here.
    pub rows: Vec<usize>,
    /// The threshold in force, in the unit that the rule compares (a score, or a p-value); `None` where a rule
    /// that adapts flagged nothing.
    pub threshold: Option<f64>,
}

impl Flags {
    /// Rows for which `flagged` holds, in descending order of `key`.
    fn descending(values: &[f64], flagged: impl Fn(f64) -> bool, threshold: Option<f64>) -> Self {
        let mut rows: Vec<usize> = (0..values.len()).filter(|&row| flagged(values[row])).collect();
        rows.sort_unstable_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
        Self { rows, threshold }
    }

    /// Rows for which `flagged` holds, in ascending order of `values`.
    fn ascending(values: &[f64], flagged: impl Fn(f64) -> bool, threshold: Option<f64>) -> Self {
        let mut rows: Vec<usize> = (0..values.len()).filter(|&row| flagged(values[row])).collect();
        rows.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
        Self { rows, threshold }
    }
}

/// Refuses NaN among `values`.
fn comparable(values: &[f64]) -> Result<(), Status> {
    if values.iter().any(|x| x.is_nan()) {
        return Err(Status::Undefined { reason: "a score or p-value is NaN" });
    }
    Ok(())
}

/// Refuses rates outside (0, 1).
fn proper_rate(rate: f64) -> Result<(), Status> {
    if rate > 0.0 && rate < 1.0 {
        return Ok(());
    }
    Err(Status::Undefined { reason: "a rate must lie strictly between 0 and 1" })
}

/// Calibration rows from which on ranks can tell `level` apart: the least n with 1/(n + 1) ≤ level.
fn resolving(level: f64) -> usize {
    ((1.0 / level * (1.0 - 1e-12)).ceil() as usize).saturating_sub(1)
}
