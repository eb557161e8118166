//! Whether the runs of a log are paid alike: rollouts of runs that are not cannot be compared.

use super::gather::Base;
use crate::foundation::format::table;
use crate::foundation::order::{quantile_sorted, sorted};
use crate::record::{Error, Log, Rollouts};
use std::collections::BTreeMap;

/// Fewest rollouts of a run in the reference of which a level is known.
const FEWEST: usize = 50;
/// Share of the smaller spread (from 5% to 95%) by which medians differ, and times by which spreads do.
const APART: f64 = 1.0;
const WIDER: f64 = 6.0;

/// The rewards of a run in the reference.
struct Level {
    median: f64,
    spread: f64,
}

/// Why the runs of a log cannot be judged as one, if their rewards differ in level or scale from the reference on.
pub(super) fn differ(log: &Log<Rollouts>, base: Base<'_>) -> Result<Option<String>, Error> {
    let within = |step: u64| match base {
        Base::Steps(from, to) => (from..to).contains(&step),
        Base::Log(_) => true,
    };
    let rewards = |within: &dyn Fn(u64) -> bool| -> Result<BTreeMap<u64, Vec<f64>>, Error> {
        let mut runs: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for span in log.rollouts.spans().iter().filter(|span| within(span.step)) {
            for (run, rows) in log.rollouts.by_run(span.rows.clone()) {
                runs.entry(run).or_default().extend(log.rollouts.rewards(rows)?);
            }
        }
        Ok(runs)
    };
    let mut runs = rewards(&within)?;
    let mut when = "in the reference";
    if runs.values().filter(|rewards| rewards.len() >= FEWEST).count() < 2 {
        (runs, when) = (rewards(&|_| true)?, "in all");
    }
    let level = |rewards: Vec<f64>| {
        let ascending = sorted(&rewards);
        let at = |share| quantile_sorted(&ascending, share);
        Some(Level { median: at(0.5)?, spread: at(0.95)? - at(0.05)? })
    };
    let levels: Vec<Level> =
        runs.into_values().filter(|rewards| rewards.len() >= FEWEST).filter_map(level).collect();
    let median = |best: fn(f64, f64) -> f64| levels.iter().map(|own| own.median).reduce(best);
    let spread = |best: fn(f64, f64) -> f64| levels.iter().map(|own| own.spread).reduce(best);
    let (Some(low), Some(high)) = (median(f64::min), median(f64::max)) else { return Ok(None) };
    let (Some(narrow), Some(wide)) = (spread(f64::min), spread(f64::max)) else { return Ok(None) };
    let of = format!("the log holds {} runs", log.meta.runs);
    Ok(if narrow > 0.0 && high - low > APART * narrow {
        Some(format!(
            "{of} whose rewards differ (medians from {} to {} {when}), and rollouts of one are not to be compared with \
             those of another: give one run's rows or files at a time",
            table(low),
            table(high)
        ))
    } else if narrow > 0.0 && wide > WIDER * narrow {
        Some(format!(
            "{of} whose rewards differ in scale (from 5% to 95% they span {} to {} {when}), and rollouts of one are not to be \
             compared with those of another: give one run's rows or files at a time",
            table(narrow),
            table(wide)
        ))
    } else {
        None
    })
}
