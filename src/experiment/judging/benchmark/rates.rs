//! Offline recall and precision at other base rates, and whether alarms keep their nominal rate.

use super::groups::{Group, Place};
use crate::foundation::bootstrap::{Bootstrap, Estimate};
use crate::foundation::numeric::mean;
use crate::foundation::resamples::Resamples;
use crate::foundation::scalar::OpenProbability;
use crate::foundation::wilson::wilson;
use crate::record::benchmark::{AlertRow, BaseRateRow, CalibrationRow, MASKING, RateRow, YARDSTICK};
use std::collections::{HashMap, HashSet};

const LEVEL: OpenProbability = OpenProbability::known(0.95);

/// A place, a window, a base rate and a budget.
type Key<'a> = (&'a str, &'a str, &'a str, u64, u64);

/// One row a place, window, base rate, budget and detector, those of a group one after the other.
pub(super) fn base_rates(rates: &[RateRow], groups: &[(Place, Vec<Group>)], seed: u64) -> Vec<BaseRateRow> {
    let mut resamples = Resamples::new(Bootstrap::new(seed));
    let mut keys: HashMap<(&str, &str), Vec<Key<'_>>> = HashMap::new();
    let mut of: HashMap<Key<'_>, HashMap<&str, Vec<&RateRow>>> = HashMap::new();
    for row in rates {
        let key: Key<'_> =
            (&row.scenario, &row.arm, &row.window, row.base_rate.to_bits(), row.budget.to_bits());
        let rows = of.entry(key).or_default();
        if rows.is_empty() {
            keys.entry((&row.scenario, &row.arm)).or_default().push(key);
        }
        rows.entry(&row.detector).or_default().push(row);
    }
    let (nothing, nobody) = (Vec::new(), HashMap::new());
    let mut found = Vec::new();
    for ((scenario, arm), groups) in groups {
        for key in keys.get(&(scenario.as_str(), arm.as_str())).into_iter().flatten() {
            let rows = of.get(key).unwrap_or(&nobody);
            let top = rows.get(YARDSTICK).unwrap_or(&nothing);
            let top: HashMap<u64, f64> =
                top.iter().filter_map(|row| Some((row.replicate, row.recall?))).collect();
            for group in groups.iter().filter(|group| group.disqualified.is_none()) {
                let own = rows.get(group.first()).unwrap_or(&nothing);
                if own.is_empty() {
                    continue;
                }
                let recalls: Vec<f64> = own.iter().filter_map(|row| row.recall).collect();
                let recall = resamples.mean(&recalls);
                let versus = match group.detectors.iter().any(|name| name == YARDSTICK) {
                    true => None,
                    false => {
                        let pair = |row: &&RateRow| Some(row.recall? - top.get(&row.replicate)?);
                        resamples.mean(&own.iter().filter_map(pair).collect::<Vec<f64>>()).ok()
                    }
                };
                let status = match &recall {
                    Ok(_) => "ok".to_owned(),
                    // Every run may have its own reason; the first is told.
                    Err(status) => own
                        .iter()
                        .find(|row| row.recall.is_none())
                        .map_or_else(|| status.to_string(), |row| row.status.clone()),
                };
                let recall = recall.ok();
                let (_, _, window, base_rate, budget) = *key;
                let row = BaseRateRow {
                    scenario: scenario.clone(),
                    arm: arm.clone(),
                    window: window.to_owned(),
                    base_rate: f64::from_bits(base_rate),
                    budget: f64::from_bits(budget),
                    group: group.first().to_owned(),
                    detector: group.first().to_owned(),
                    recall: recall.map(|e| e.value),
                    recall_low: recall.map(|e| e.interval.low),
                    recall_high: recall.map(|e| e.interval.high),
                    recall_versus_top: versus.map(|e| e.value),
                    recall_versus_top_low: versus.map(|e| e.interval.low),
                    recall_versus_top_high: versus.map(|e| e.interval.high),
                    precision: mean(&own.iter().filter_map(|row| row.precision).collect::<Vec<f64>>()),
                    status,
                };
                let named = |name: &String| BaseRateRow { detector: name.clone(), ..row.clone() };
                found.extend(group.detectors.iter().map(named));
            }
        }
    }
    found
}

/// One row a place, detector, rule and nominal rate. Rates are means over replicates of a run's rate: rollouts of one
/// run are not independent, runs are. `masking` names the scenarios that vary what the calibration rollouts hold.
pub(super) fn calibration(alerts: &[AlertRow], masking: &HashSet<String>, seed: u64) -> Vec<CalibrationRow> {
    let mut resamples = Resamples::new(Bootstrap::new(seed));
    let mut order: Vec<(&str, &str, &str, &str, u64)> = Vec::new();
    let mut of: HashMap<(&str, &str, &str, &str, u64), Vec<&AlertRow>> = HashMap::new();
    for row in alerts {
        let key = (&*row.scenario, &*row.arm, &*row.detector, &*row.rule, row.nominal.to_bits());
        let rows = of.entry(key).or_default();
        if rows.is_empty() {
            order.push(key);
        }
        rows.push(row);
    }
    let mut found = Vec::new();
    for key in order {
        let Some(rows) = of.get(&key) else { continue };
        let (scenario, arm, detector, rule, nominal) = key;
        let nominal = f64::from_bits(nominal);
        let mut rate = |count: fn(&AlertRow) -> Option<(u64, u64)>| -> Option<Estimate> {
            let shares = rows.iter().filter_map(|row| count(row)).filter(|(_, of)| *of > 0);
            resamples.mean(&shares.map(|(n, of)| n as f64 / of as f64).collect::<Vec<f64>>()).ok()
        };
        let reference = rate(|row| row.reference_alarms.zip(row.reference_rollouts));
        let clean = rate(|row| row.clean_alarms.zip(row.clean_rollouts));
        let honest = rate(|row| row.honest_alarms.zip(row.honest_rollouts));
        let hacks = rate(|row| row.hack_alarms.zip(row.hack_rollouts));
        let twins: Vec<u64> = rows.iter().filter_map(|row| row.clean_alarms).collect();
        let any = twins.iter().filter(|alarms| **alarms > 0).count() as u64;
        let runs = wilson(any, twins.len() as u64, LEVEL).ok();
        let rollouts =
            mean(&rows.iter().filter_map(|r| Some(r.clean_rollouts? as f64)).collect::<Vec<f64>>());
        let (low, high) = (|e: Estimate| e.interval.low, |e: Estimate| e.interval.high);
        found.push(CalibrationRow {
            scenario: scenario.to_owned(),
            arm: arm.to_owned(),
            role: if masking.contains(scenario) { MASKING } else { "" }.to_owned(),
            detector: detector.to_owned(),
            rule: rule.to_owned(),
            nominal,
            reference: reference.map(|e| e.value),
            reference_low: reference.map(low),
            reference_high: reference.map(high),
            clean: clean.map(|e| e.value),
            clean_low: clean.map(low),
            clean_high: clean.map(high),
            honest: honest.map(|e| e.value),
            honest_low: honest.map(low),
            honest_high: honest.map(high),
            hacks: hacks.map(|e| e.value),
            hacks_low: hacks.map(low),
            hacks_high: hacks.map(high),
            clean_runs: runs.map(|_| any as f64 / twins.len() as f64),
            clean_runs_low: runs.map(|interval| interval.low),
            clean_runs_high: runs.map(|interval| interval.high),
            clean_runs_nominal: runs.and(rollouts).map(|n| -(n * (-nominal).ln_1p()).exp_m1()),
            status: rows.iter().find(|row| row.status != "ok").map_or("ok", |row| &row.status).to_owned(),
        });
    }
    found
}
