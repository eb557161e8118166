//! The catch-rate benchmark: every detector on every scenario, under trainers that see a reward differently.
//!
//! A scenario is an experiment like any other; its runs are trained (or read from the folder's records) and judged by
//! `evaluate`. Two main tables come out and are never mixed: `ranking.csv`, what is caught, each detector as a paired
//! difference to `top_reward` and beside chance and the oracle; and `calibration.csv`, what alarms cost where there is no
//! hack. A cell whose result is forced (oracle = chance) is *degenerate*, one with too few hacks or runs *insufficient*:
//! neither has a number. A detector on which a guard failed is not ranked.

mod alerts;
mod evaluate;
mod groups;
mod guards;
mod ranking;
mod rates;
mod scenario;
mod thirds;
mod trial;

pub use scenario::{Scenario, every_detector};

use super::subject::Subject;
use crate::experiment::error::ExperimentError;
use crate::experiment::plan::manifest::manifest;
use crate::experiment::plan::runs::{Judgement, Planned, plan};
use crate::experiment::store::rows;
use crate::experiment::store::{Record, Store, write_atomic};
use crate::experiment::training::trained::section;
use crate::experiment::work::{Hooks, Options, Progress, carry_out};
use crate::policies::Backend;
use crate::record::benchmark::{
    AlertRow, BaseRateRow, CalibrationRow, CaughtRow, GuardRow, RankingRow, RateRow,
};
use crate::record::folder::{MANIFEST, PLAN};
use evaluate::evaluate;
use serde::Serialize;
use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use trial::Cell;

/// Version of what the benchmark measures: bumped when the same run gives other rows.
const MEASURES: u32 = 1;

/// What a finished benchmark comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Benchmarked {
    /// Runs in all scenarios.
    pub runs: usize,
    /// Runs that were there already.
    pub reused: usize,
}

/// Runs what is not there yet of every scenario, then writes the tables into the folder.
///
/// # Errors
/// As [`run`](crate::experiment::run()), with the scenario's name.
pub fn bench(
    scenarios: &[Scenario],
    options: &Options,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Benchmarked, ExperimentError> {
    let store = Store::open(&options.out.join("records"))?;
    let seed = scenarios.first().map_or(0, |scenario| scenario.loaded.document.seed);
    describe(options, seed)?;
    let mut cells = Cells::default();
    let mut done = Benchmarked { runs: 0, reused: 0 };
    for scenario in scenarios {
        let named =
            |source| ExperimentError::Scenario { name: scenario.name.clone(), source: Box::new(source) };
        let runs = planned(scenario, &options.backend).map_err(named)?;
        let judge = |subject: &Subject<'_>, _: &[Judgement]| {
            let (arm, replicate) = (scenario.arm_name(subject.arm), subject.replicate);
            Ok(vec![evaluate(subject, Cell { scenario: &scenario.name, arm: &arm, replicate })?])
        };
        let hooks = Hooks { judge: &judge, progress, stop };
        done.reused += carry_out(&scenario.loaded, &runs, &store, options, &hooks).map_err(named)?;
        done.runs += runs.len();
        if scenario.varies_an_exploits_mass() {
            cells.masking.insert(scenario.name.clone());
        }
        for run in &runs {
            cells.take(&store.require(&run.run_id)?, &store.path(&run.run_id))?;
        }
    }
    cells.write(&options.out, seed)?;
    Ok(done)
}

/// The runs of a scenario. All detectors of a run are judged in one record here, whose identity is made of theirs.
fn planned(scenario: &Scenario, backend: &Backend) -> Result<Vec<Planned>, ExperimentError> {
    let described = |e: serde_json::Error| ExperimentError::Describe { file: PLAN, problem: e.to_string() };
    let mut runs = plan(&scenario.loaded, backend).map_err(described)?;
    for run in &mut runs {
        let mut hasher = blake3::Hasher::new();
        let arm = scenario.arm_name(run.arm);
        let detectors = std::mem::take(&mut run.judge_ids);
        let parts = ["bench", &run.train_id, &scenario.name, &arm].into_iter();
        for part in parts.chain(detectors.iter().map(String::as_str)) {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        hasher.update(&MEASURES.to_le_bytes()).update(&run.replicate.to_le_bytes());
        run.run_id = hasher.finalize().to_hex()[..16].to_owned();
    }
    Ok(runs)
}

fn describe(options: &Options, seed: u64) -> Result<(), ExperimentError> {
    let text = serde_json::to_string_pretty(&manifest(seed, &options.backend, options.threads))
        .map_err(|e| ExperimentError::Describe { file: MANIFEST, problem: e.to_string() })?;
    Ok(write_atomic(&options.out.join(MANIFEST), text.as_bytes())?)
}

/// The rows of all runs.
#[derive(Debug, Default)]
struct Cells {
    caught: Vec<CaughtRow>,
    rates: Vec<RateRow>,
    alerts: Vec<AlertRow>,
    guards: Vec<GuardRow>,
    /// Scenarios that vary what the calibration rollouts hold.
    masking: HashSet<String>,
}

impl Cells {
    fn take(&mut self, record: &Record, path: &Path) -> Result<(), ExperimentError> {
        self.caught.extend(section::<CaughtRow>(record, path, CaughtRow::FILE)?);
        self.rates.extend(section::<RateRow>(record, path, RateRow::FILE)?);
        self.alerts.extend(section::<AlertRow>(record, path, AlertRow::FILE)?);
        self.guards.extend(section::<GuardRow>(record, path, GuardRow::FILE)?);
        Ok(())
    }

    fn write(&self, out: &Path, seed: u64) -> Result<(), ExperimentError> {
        let groups = groups::groups(&self.caught, &self.guards);
        let ranking = ranking::ranking(&self.caught, &groups, seed);
        let base_rates = rates::base_rates(&self.rates, &groups, seed);
        let calibration = rates::calibration(&self.alerts, &self.masking, seed);
        table(out, RankingRow::FILE, RankingRow::COLUMNS, &ranking)?;
        table(out, BaseRateRow::FILE, BaseRateRow::COLUMNS, &base_rates)?;
        table(out, CalibrationRow::FILE, CalibrationRow::COLUMNS, &calibration)?;
        table(out, CaughtRow::FILE, CaughtRow::COLUMNS, &self.caught)?;
        table(out, AlertRow::FILE, AlertRow::COLUMNS, &self.alerts)?;
        table(out, GuardRow::FILE, GuardRow::COLUMNS, &self.guards)
    }
}

fn table<T: Serialize>(out: &Path, file: &str, columns: &[&str], lines: &[T]) -> Result<(), ExperimentError> {
    let mut bytes = (columns.join(",") + "\n").into_bytes();
    bytes.extend(rows::encode(lines)?);
    Ok(write_atomic(&out.join(file), &bytes)?)
}
