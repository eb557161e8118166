//! The catch-rate benchmark: every detector on every scenario, under trainers that see a reward differently.
//!
//! A scenario is an experiment like any other; its runs are trained and judged by `evaluate`, and once more for every programme:
//! an audit that is acted upon. Three main tables come out and are never mixed: `harm.csv`, the endpoint, what became of
//! the runs under each programme, beside nobody's audit, a placebo and the swap twin; `ranking.csv`, what is caught, each
//! detector as a paired difference to `top_reward` and beside chance and the oracle; and `calibration.csv`, what alarms cost
//! where there is no hack. A cell whose result is forced (oracle = chance) is *degenerate*, one with too few hacks or runs
//! *insufficient*: neither has a number. A detector on which a guard failed is not ranked.

mod alerts;
pub(super) mod endings;
mod evaluate;
mod groups;
mod guards;
pub(super) mod harm;
pub(super) mod overall;
pub(super) mod place;
pub(super) mod programmes;
mod ranking;
mod rates;
pub(super) mod scenario;
mod thirds;
pub(super) mod trial;

pub use scenario::{Scenario, every_detector};

use super::subject::Subject;
use crate::experiment::error::ExperimentError;
use crate::experiment::plan::id::Id;
use crate::experiment::plan::ids::train_id;
use crate::experiment::plan::manifest::manifest;
use crate::experiment::plan::runs::{Judgement, Planned, plan};
use crate::experiment::store::numerics::Tally;
use crate::experiment::store::occupied::Held;
use crate::experiment::store::rows;
use crate::experiment::store::{Record, Store, write_atomic};
use crate::experiment::training::trained::section;
use crate::experiment::work::{Hooks, Options, Progress, carry_out_anew};
use crate::policies::Backend;
use crate::record::benchmark::{
    AlertRow, BaseRateRow, CalibrationRow, CaughtRow, GuardRow, RankingRow, RateRow,
};
use crate::record::endpoint::{EndingRow, HarmRow};
use crate::record::folder::{MANIFEST, PLAN, RECORDS};
use endings::{Role, endings};
use evaluate::evaluate;
use overall::{Overall, judgement};
use place::{Kind, Place};
use serde::Serialize;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use trial::Cell;

/// Version of what the benchmark measures: bumped when the same run gives other rows.
const MEASURES: u32 = 4;

/// What a finished benchmark comes to. The folder is held for it until the last copy of this is gone.
#[derive(Debug, Clone)]
pub struct Benchmarked {
    /// Runs in all scenarios.
    pub runs: usize,
    /// Runs that were there already.
    pub reused: usize,
    _held: Arc<Held>,
}

/// Runs what is not there yet of every scenario, then writes the tables into the folder.
///
/// # Errors
/// As [`run`](crate::experiment::run()), with the scenario's name; other scenarios are at work in the folder.
pub fn bench(
    scenarios: &[Scenario],
    options: &Options,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Benchmarked, ExperimentError> {
    let store = Store::of([options.out.join(RECORDS).as_path()]).allowing_mixed(options.allow_mixed);
    let seed = scenarios.first().map_or(0, |scenario| scenario.loaded.document.seed);
    let mut made_with = Tally::default();
    let mut cells = Cells::default();
    let mut plans = Vec::new();
    for scenario in scenarios {
        if scenario.loaded.arms.iter().any(|arm| arm.document.reward.condition.is_some()) {
            return Err(named(scenario, ExperimentError::Conditioned));
        }
        plans
            .push((scenario, planned(scenario, &options.backend).map_err(|source| named(scenario, source))?));
    }
    let store = store.for_records(plans.iter().flat_map(|(_, runs)| runs).map(Planned::records).sum());
    let place = Place::of(&options.out, Kind::Benchmark, &plans)?;
    let held = place.begin(&plans, &store, options, stop)?;
    let (mut made, mut reused) = (0, 0);
    let overall = Overall::start(&plans, &store, progress, |arm, asked| {
        judgement(&arm.document, &Role::all(&arm.document), asked)
    });
    for (scenario, runs) in &plans {
        let judge = |subject: &Subject<'_>, asked: &[Judgement]| {
            let (arm, replicate) = (scenario.arm_name(subject.arm), subject.replicate);
            let cell = Cell { scenario: &scenario.name, arm: &arm, replicate };
            let roles = Role::all(subject.document);
            let mut records = Vec::with_capacity(asked.len());
            let role = |one: &Judgement| match *one {
                Judgement::Run => None,
                Judgement::Detector(place) => Some(roles[place].clone()),
            };
            let wanted: Vec<Role> = asked.iter().filter_map(role).collect();
            // A row a role, in their order.
            let ended = endings(subject, cell, &wanted)?;
            let mut ended = ended.chunks(1);
            for one in asked {
                records.push(match *one {
                    Judgement::Run => evaluate(subject, cell)?,
                    Judgement::Detector(_) => {
                        let mut record = Record::default();
                        record.push(EndingRow::FILE, rows::encode(ended.next().unwrap_or_default())?);
                        record
                    }
                });
                overall.spent(judgement(subject.document, &roles, *one));
            }
            Ok(records)
        };
        let hooks = Hooks { judge: &judge, progress: &overall, stop };
        let carried = carry_out_anew(&scenario.loaded, runs, &store, options, &hooks);
        reused += carried.map_err(|source| named(scenario, source))?;
        made += runs.len();
        if scenario.varies_an_exploits_mass() {
            cells.masking.insert(scenario.name.clone());
        }
        for run in runs {
            for (_, id) in run.judgements() {
                let kept = store.require(id)?;
                made_with.count(&kept.stamp.numerics);
                cells.take(&kept.record, &store.path(id))?;
            }
        }
    }
    if !options.allow_mixed {
        made_with.unmingled()?;
    }
    place.check(&held)?;
    cells.write(&options.out, seed)?;
    describe(options, seed, &made_with)?;
    Ok(Benchmarked { runs: made, reused, _held: Arc::new(held) })
}

pub(super) fn named(scenario: &Scenario, source: ExperimentError) -> ExperimentError {
    ExperimentError::Scenario { name: scenario.name.clone(), source: Box::new(source) }
}

/// The runs of a scenario, in the place of whose detectors stand the programmes and twins: a record each. All detectors of a run
/// are judged in one record, whose identity is made of theirs.
fn planned(scenario: &Scenario, backend: &Backend) -> Result<Vec<Planned>, ExperimentError> {
    let described = |e: serde_json::Error| ExperimentError::Describe { file: PLAN, problem: e.to_string() };
    let mut runs = plan(&scenario.loaded, backend).map_err(described)?;
    for run in &mut runs {
        let (arm, replicate) = (scenario.arm_name(run.arm), run.replicate.to_le_bytes());
        let identity = |kind: &str, parts: &[&str]| {
            let mut hasher = blake3::Hasher::new();
            for part in [kind, &scenario.name, &arm].iter().chain(parts) {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
            }
            hasher.update(&MEASURES.to_le_bytes()).update(&replicate);
            Id::of(&hasher.finalize())
        };
        let detectors = std::mem::take(&mut run.judge_ids);
        let parts = std::iter::once(&run.train_id).chain(&detectors);
        run.run_id = identity("bench", &parts.map(Id::as_str).collect::<Vec<&str>>());
        let document = &scenario.loaded.arms[run.arm].document;
        for role in Role::all(document) {
            let twin = role.twin(document);
            let trained =
                train_id(&role.document(document), run.replicate, twin, backend).map_err(described)?;
            run.judge_ids.push(identity("ending", &[&trained, &run.clean_id]));
        }
    }
    Ok(runs)
}

pub(super) fn describe(options: &Options, seed: u64, made_with: &Tally) -> Result<(), ExperimentError> {
    let own = manifest(seed, &options.backend, options.threads, made_with);
    let text = serde_json::to_string_pretty(&own)
        .map_err(|e| ExperimentError::Describe { file: MANIFEST, problem: e.to_string() })?;
    Ok(write_atomic(&options.out.join(MANIFEST), text.as_bytes())?)
}

/// The rows of all runs.
#[derive(Debug, Default)]
struct Cells {
    endings: Vec<EndingRow>,
    caught: Vec<CaughtRow>,
    rates: Vec<RateRow>,
    alerts: Vec<AlertRow>,
    guards: Vec<GuardRow>,
    /// Scenarios that vary what the calibration rollouts hold.
    masking: HashSet<String>,
}

impl Cells {
    /// Takes the rows of a record: of a programme, or of all detectors on a run.
    fn take(&mut self, record: &Record, path: &Path) -> Result<(), ExperimentError> {
        if record.section(EndingRow::FILE).is_some() {
            self.endings.extend(section::<EndingRow>(record, path, EndingRow::FILE)?);
            return Ok(());
        }
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
        table(out, HarmRow::FILE, HarmRow::COLUMNS, &harm::harm(&self.endings, seed))?;
        table(out, EndingRow::FILE, EndingRow::COLUMNS, &self.endings)?;
        table(out, RankingRow::FILE, RankingRow::COLUMNS, &ranking)?;
        table(out, BaseRateRow::FILE, BaseRateRow::COLUMNS, &base_rates)?;
        table(out, CalibrationRow::FILE, CalibrationRow::COLUMNS, &calibration)?;
        table(out, CaughtRow::FILE, CaughtRow::COLUMNS, &self.caught)?;
        table(out, AlertRow::FILE, AlertRow::COLUMNS, &self.alerts)?;
        table(out, GuardRow::FILE, GuardRow::COLUMNS, &self.guards)
    }
}

pub(super) fn table<T: Serialize>(
    out: &Path,
    file: &str,
    columns: &[&str],
    lines: &[T],
) -> Result<(), ExperimentError> {
    let mut bytes = (columns.join(",") + "\n").into_bytes();
    bytes.extend(rows::encode(lines)?);
    Ok(write_atomic(&out.join(file), &bytes)?)
}
