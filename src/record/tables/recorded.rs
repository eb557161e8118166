//! Recorded rollouts, each with what an audit would say of it, as far as figures need them.
//!
//! `observed.csv` and `truth.csv` may be larger than the memory: they are read row by row, and only what is wanted is kept.

use super::folder::{FolderError, RunFolder};
use super::{ObservedRow, TruthRow};
use std::collections::BTreeMap;

/// One rollout of a recorded run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rollout {
    /// Raw proxy reward U.
    pub proxy: f64,
    /// ln π/π₀, where both are known.
    pub log_ratio: Option<f64>,
    /// Planted class, 0 for none.
    pub class: u32,
    /// What an audit would confirm.
    pub hack: bool,
}

/// The rollouts of each recorded run, by train id, in the order of the file. Of a run of train id t those of the steps are kept for which
/// `wanted(t, step)` holds. A rollout without its line in `truth.csv` is left out.
///
/// # Errors
/// A table that cannot be read, by file and line.
pub fn rollouts(
    run: &RunFolder,
    mut wanted: impl FnMut(&str, u64) -> bool,
) -> Result<BTreeMap<String, Vec<Rollout>>, FolderError> {
    type Seen = BTreeMap<u64, (f64, Option<f64>)>;
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    run.each(ObservedRow::FILE, ObservedRow::COLUMNS, |row: ObservedRow| {
        if wanted(&row.train_id, row.step) {
            let log_ratio = row.log_prob.zip(row.ref_log_prob).map(|(own, reference)| own - reference);
            seen.entry(row.train_id).or_default().insert(row.trajectory, (row.proxy, log_ratio));
        }
    })?;
    let mut judged: BTreeMap<String, Vec<Rollout>> = BTreeMap::new();
    run.each(TruthRow::FILE, TruthRow::COLUMNS, |row: TruthRow| {
        let own = seen.get(&row.train_id).and_then(|run| run.get(&row.trajectory));
        let Some(&(proxy, log_ratio)) = own else { return };
        let rollout = Rollout { proxy, log_ratio, class: row.class, hack: row.hack };
        judged.entry(row.train_id).or_default().push(rollout);
    })?;
    Ok(judged)
}
