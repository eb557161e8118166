//! Two runs of the same arms beside each other: differences paired by replicate, which share their draws where the seed is the same.

use super::format::{interval, number};
use super::tables::Table;
use crate::foundation::binomial;
use crate::foundation::bootstrap::Bootstrap;
use crate::foundation::resamples::Resamples;
use crate::foundation::scalar::OpenProbability;
use crate::foundation::wilson::paired_difference;
use crate::record::folder::RunFolder;
use crate::record::tables::ReplicateRow;
use serde::Serialize;

/// Seed of the resamples.
const SEED: u64 = 0xC0;
const LEVEL: OpenProbability = OpenProbability::known(0.95);
const OK: &str = "ok";

type Column = fn(&ReplicateRow) -> Option<f64>;
const MEANS: [(&str, Column); 5] = [
    ("utility", |row| row.utility),
    ("proxy", |row| row.proxy),
    ("kl", |row| row.kl),
    ("p_hack", |row| row.p_hack),
    ("attributable_loss", |row| row.attributable_loss),
];

/// One number of one arm in two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The arm's label.
    pub arm: String,
    /// What is compared; `damaged` is a share of runs.
    pub metric: &'static str,
    /// Its mean in the first run, over the pairs.
    pub first: f64,
    /// Its mean in the other.
    pub other: f64,
    /// Other less first.
    pub difference: f64,
    /// Lower end of the 95% interval of the difference.
    pub ci_low: Option<f64>,
    /// Upper end.
    pub ci_high: Option<f64>,
    /// Two-sided exact sign test over the pairs that differ, for shares.
    pub p_value: Option<f64>,
    /// Replicates that both have.
    pub pairs: usize,
    /// `ok`, or why there is no interval.
    pub status: String,
}

/// All numbers of the arms that both runs have, and the labels of those that one lacks.
pub fn compare(first: &RunFolder, other: &RunFolder) -> (Vec<Difference>, Vec<String>) {
    let mut resamples = Resamples::new(Bootstrap::new(SEED));
    let (mut found, mut alone) = (Vec::new(), Vec::new());
    for arm in &first.plan.arms {
        let label = first.label(arm.arm);
        let Some(same) = other.plan.arms.iter().find(|b| other.label(b.arm) == label) else {
            alone.push(label);
            continue;
        };
        let rows = |run: &'_ RunFolder, arm: usize| -> Vec<ReplicateRow> {
            run.replicates.iter().filter(|row| row.arm == arm).cloned().collect()
        };
        let (a, b) = (rows(first, arm.arm), rows(other, same.arm));
        let pairs: Vec<(&ReplicateRow, &ReplicateRow)> = a
            .iter()
            .filter_map(|row| Some((row, b.iter().find(|other| other.replicate == row.replicate)?)))
            .collect();
        for (metric, column) in MEANS {
            let values: Vec<(f64, f64)> =
                pairs.iter().filter_map(|(a, b)| Some((column(a)?, column(b)?))).collect();
            found.extend(mean(&label, metric, &values, first, other, &mut resamples));
        }
        // Pairs of other seeds are none.
        if first.plan.seed == other.plan.seed {
            found.extend(damaged(&label, &pairs));
        }
    }
    let known = |label: &String| first.plan.arms.iter().any(|a| first.label(a.arm) == *label);
    alone.extend(other.plan.arms.iter().map(|arm| other.label(arm.arm)).filter(|label| !known(label)));
    (found, alone)
}

fn mean(
    label: &str,
    metric: &'static str,
    values: &[(f64, f64)],
    first: &RunFolder,
    other: &RunFolder,
    resamples: &mut Resamples,
) -> Option<Difference> {
    let n = values.len() as f64;
    if values.is_empty() {
        return None;
    }
    let differences: Vec<f64> = values.iter().map(|(a, b)| b - a).collect();
    let (a, b) = (values.iter().map(|v| v.0).sum::<f64>() / n, values.iter().map(|v| v.1).sum::<f64>() / n);
    // With other seeds replicate 3 of one run has nothing to do with replicate 3 of the other.
    let estimate = if first.plan.seed == other.plan.seed {
        resamples.mean(&differences).map_err(|status| status.to_string())
    } else {
        Err(format!("not paired: the seeds are {} and {}", first.plan.seed, other.plan.seed))
    };
    let ends = estimate.as_ref().ok().map(|estimate| estimate.interval);
    Some(Difference {
        arm: label.to_owned(),
        metric,
        first: a,
        other: b,
        difference: b - a,
        ci_low: ends.map(|ends| ends.low),
        ci_high: ends.map(|ends| ends.high),
        p_value: None,
        pairs: values.len(),
        status: estimate.err().unwrap_or_else(|| OK.to_owned()),
    })
}

/// Shares of damaged runs; only pairs that differ say which is larger.
fn damaged(label: &str, pairs: &[(&ReplicateRow, &ReplicateRow)]) -> Option<Difference> {
    let is = |row: &ReplicateRow| row.damage_step.is_some();
    if !pairs.iter().any(|(a, b)| is(a) || is(b)) {
        return None;
    }
    let count =
        |of: &dyn Fn(&ReplicateRow, &ReplicateRow) -> bool| pairs.iter().filter(|(a, b)| of(a, b)).count();
    let (lost, won) = (count(&|a, b| is(a) && !is(b)), count(&|a, b| !is(a) && is(b)));
    let n = pairs.len() as f64;
    let (a, b) = (count(&|a, _| is(a)) as f64 / n, count(&|_, b| is(b)) as f64 / n);
    let ends = paired_difference(won as u64, lost as u64, pairs.len() as u64, LEVEL).ok();
    let one_sided = binomial::cdf((lost + won) as u64, 0.5, lost.min(won) as u64);
    Some(Difference {
        arm: label.to_owned(),
        metric: "damaged",
        first: a,
        other: b,
        difference: b - a,
        ci_low: ends.map(|ends| ends.low),
        ci_high: ends.map(|ends| ends.high),
        p_value: Some((2.0 * one_sided).min(1.0)),
        pairs: pairs.len(),
        status: format!("{lost} damaged in the first only, {won} in the other only"),
    })
}

/// The differences as a table. A status that all of them share is no column: it is the title, and goes without saying where all is well.
pub fn table(differences: &[Difference]) -> Table {
    let mut header =
        ["arm", "number", "first", "other", "difference", "pairs", "status"].map(str::to_owned).to_vec();
    let line = |d: &Difference| {
        let status = match d.p_value {
            Some(p) => format!("{}, p = {}", d.status, number(p)),
            None => d.status.clone(),
        };
        vec![
            d.arm.clone(),
            d.metric.replace('_', " "),
            number(d.first),
            number(d.other),
            interval(d.difference, d.ci_low, d.ci_high),
            d.pairs.to_string(),
            status,
        ]
    };
    let mut rows: Vec<Vec<String>> = differences.iter().map(line).collect();
    let shared = rows.first().and_then(|row| row.last()).cloned().unwrap_or_default();
    if rows.len() < 2 || rows.iter().any(|row| row.last() != Some(&shared)) {
        return Table { title: String::new(), header, rows };
    }
    header.pop();
    rows.iter_mut().for_each(|row| drop(row.pop()));
    let title = if shared == OK { String::new() } else { shared };
    Table { title, header, rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_all_differences_is_said_once() {
        let one = |status: &str| Difference {
            arm: "none".to_owned(),
            metric: "utility",
            first: 1.0,
            other: 2.0,
            difference: 1.0,
            ci_low: None,
            ci_high: None,
            p_value: None,
            pairs: 8,
            status: status.to_owned(),
        };
        let shown = |statuses: [&str; 2]| {
            let table = table(&statuses.map(one));
            (table.title, table.header.len(), table.rows.iter().all(|row| row.len() == table.header.len()))
        };
        assert_eq!(shown(["not paired", "not paired"]), ("not paired".to_owned(), 6, true));
        assert_eq!(shown([OK, OK]), (String::new(), 6, true));
        assert_eq!(shown([OK, "not paired"]), (String::new(), 7, true));
    }
}
