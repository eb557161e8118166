//! The deciding experiment: does the objection hold, for whom, and where?
//!
//! A grid of cells (trainer × KL × size of the exploit, and one factor at a time apart from it), each of them trained where nobody
//! audits, under every auditor, as placebo and as swap twin, all by the programmes and endings of the
//! [benchmark](super::benchmark). Of the runs that learn the exploit, [`criterion`](crate::metrics::criterion) says what the share
//! of harmed ones under the audit means. A run is one record, whatever arms and files ask for it.

mod cell;
mod grid;
mod programmes;
mod trainers;

pub use grid::Sheet;

use super::benchmark::endings::{Role, ending};
use super::benchmark::overall::{self, Overall};
use super::benchmark::trial;
use super::benchmark::{Scenario, describe, named, table};
use super::error::JudgeError;
use super::subject::Subject;
use crate::audit::response::ResponseSpec;
use crate::config::Document;
use crate::experiment::error::ExperimentError;
use crate::experiment::plan::ids::train_id;
use crate::experiment::plan::runs::{Judgement, Planned, plan};
use crate::experiment::store::{Record, Store, rows};
use crate::experiment::training::trained::section;
use crate::experiment::work::{Hooks, Options, Progress, carry_out};
use crate::policies::Backend;
use crate::record::endpoint::EndingRow;
use crate::record::folder::PLAN;
use crate::record::verdict::{AnswerRow, CellRow, EndsRow, TrainerRow};
use cell::Cell;
use grid::Axes;
use std::collections::HashSet;
use std::sync::atomic::AtomicBool;

/// Version of what a record holds: bumped when the same run gives other rows.
const MEASURES: u32 = 1;

/// What a finished verdict comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Cells.
    pub cells: usize,
    /// Runs in all of them.
    pub runs: usize,
    /// Runs that were there already.
    pub reused: usize,
}

/// A sheet that is about to be run.
struct Planning<'a> {
    sheet: &'a Sheet,
    /// The same, with every arm's own response taken out: nobody acts in the run itself.
    scenario: Scenario,
    /// The response that was taken out of each arm.
    responses: Vec<ResponseSpec>,
    /// What each arm's cell is called.
    names: Vec<String>,
}

impl<'a> Planning<'a> {
    fn of(sheet: &'a Sheet) -> Self {
        let mut scenario = sheet.scenario.clone();
        let names = grid::names(&scenario);
        let mut responses = Vec::new();
        for arm in &mut scenario.loaded.arms {
            responses.push(std::mem::take(&mut arm.document.audit.response));
            arm.document.detectors.clear();
        }
        Self { sheet, scenario, responses, names }
    }

    /// The runs: in the place of a detector stands the arm's own response, where it has one.
    fn runs(&self, backend: &Backend) -> Result<Vec<Planned>, ExperimentError> {
        let described =
            |e: serde_json::Error| ExperimentError::Describe { file: PLAN, problem: e.to_string() };
        let mut runs = plan(&self.scenario.loaded, backend).map_err(described)?;
        for run in &mut runs {
            let document = &self.scenario.loaded.arms[run.arm].document;
            let identity = |roles: &[Role]| -> Result<String, ExperimentError> {
                let mut hasher = blake3::Hasher::new();
                hasher.update(b"verdict").update(&MEASURES.to_le_bytes()).update(run.clean_id.as_bytes());
                for role in roles {
                    let twin = role.twin(document);
                    let id = train_id(&role.document(document), run.replicate, twin, backend);
                    hasher.update(id.map_err(described)?.as_bytes());
                }
                Ok(hasher.finalize().to_hex()[..16].to_owned())
            };
            let own = self.own(document, run.arm);
            let judge_ids =
                own.iter().map(|role| identity(std::slice::from_ref(role))).collect::<Result<_, _>>()?;
            run.run_id = identity(&decisive(document))?;
            run.judge_ids = judge_ids;
        }
        Ok(runs)
    }

    /// An arm's own response.
    fn own(&self, document: &Document, arm: usize) -> Option<Role> {
        programmes::own(document, self.responses.get(arm)?).map(|one| Role::Programme(Box::new(one)))
    }
}

/// What is trained in every cell.
fn decisive(document: &Document) -> Vec<Role> {
    Role::with(document, programmes::all(document))
}

/// Runs what is not there yet of every sheet, then writes the tables into the folder.
///
/// # Errors
/// As [`run`](crate::experiment::run()), with the scenario's name.
pub fn verdict(
    sheets: &[Sheet],
    options: &Options,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Reached, ExperimentError> {
    let store = Store::open(&options.out.join("records"))?;
    describe(options, sheets.first().map_or(0, |sheet| sheet.scenario.loaded.document.seed))?;
    let planned: Vec<Planning<'_>> = sheets.iter().map(Planning::of).collect();
    let mut plans = Vec::new();
    for own in &planned {
        let runs = own.runs(&options.backend).map_err(|source| named(&own.scenario, source))?;
        plans.push((&own.scenario, runs));
    }
    let bar = Overall::start(&plans, &store, progress, |arm, asked| match asked {
        Judgement::Run => overall::programmes(&arm.document, &decisive(&arm.document)),
        // A run of its own, or none.
        Judgement::Detector(_) => overall::programmes(&arm.document, &decisive(&arm.document)[1..2]),
    });
    let mut tables = Tables::default();
    let mut done = Reached { cells: 0, runs: 0, reused: 0 };
    for (own, (scenario, runs)) in planned.iter().zip(&plans) {
        let judge = |subject: &Subject<'_>, asked: &[Judgement]| -> Result<Vec<Record>, JudgeError> {
            let mut records = Vec::with_capacity(asked.len());
            for judgement in asked {
                let roles = match judgement {
                    Judgement::Run => decisive(subject.document),
                    Judgement::Detector(_) => own.own(subject.document, subject.arm).into_iter().collect(),
                };
                let cell = trial::Cell { scenario: "", arm: "", replicate: subject.replicate };
                let endings: Vec<EndingRow> =
                    roles.iter().map(|role| ending(subject, cell, role)).collect::<Result<_, _>>()?;
                let mut record = Record::default();
                record.push(EndingRow::FILE, rows::encode(&endings)?);
                records.push(record);
                bar.spent(overall::programmes(subject.document, &roles));
            }
            Ok(records)
        };
        let hooks = Hooks { judge: &judge, progress: &bar, stop };
        let carried = carry_out(&scenario.loaded, runs, &store, options, &hooks);
        done.reused += carried.map_err(|source| named(scenario, source))?;
        done.runs += runs.len();
        done.cells += tables.take(own, runs, &store)?;
    }
    tables.write(options)?;
    Ok(done)
}

/// The rows of all cells.
#[derive(Debug, Default)]
struct Tables {
    cells: Vec<CellRow>,
    answers: Vec<AnswerRow>,
    ends: Vec<EndsRow>,
    endings: Vec<EndingRow>,
}

impl Tables {
    /// Takes the cells of a sheet; gives how many there are.
    fn take(
        &mut self,
        own: &Planning<'_>,
        runs: &[Planned],
        store: &Store,
    ) -> Result<usize, ExperimentError> {
        let scenario = &own.scenario;
        let mut names: Vec<&String> = Vec::new();
        for name in &own.names {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for name in &names {
            // Arms that differ in their response alone are one cell, and share its runs.
            let arms = || (0..own.names.len()).filter(|arm| own.names[*arm] == **name);
            let Some(first) = arms().next() else { continue };
            let mut taken: HashSet<&str> = HashSet::new();
            let mut endings: Vec<EndingRow> = Vec::new();
            for run in arms().flat_map(|arm| runs.iter().filter(move |run| run.arm == arm)) {
                for (_, id) in run.judgements() {
                    if taken.insert(id) {
                        let record = store.require(id)?;
                        endings.extend(section::<EndingRow>(&record, &store.path(id), EndingRow::FILE)?);
                    }
                }
            }
            for row in &mut endings {
                (row.scenario, row.arm) = (scenario.name.clone(), (*name).clone());
            }
            let axes = Axes::of(&scenario.loaded.arms[first].document);
            let cell = Cell::of(own.sheet.part, (&scenario.name, name), &axes, &endings);
            self.cells.push(cell.row);
            self.answers.extend(cell.answers);
            self.ends.extend(cell.ends);
            self.endings.extend(endings);
        }
        Ok(names.len())
    }

    fn write(mut self, options: &Options) -> Result<(), ExperimentError> {
        // Counts always give p-values between 0 and 1.
        if trainers::discover(&mut self.cells).is_err() {
            self.cells.iter_mut().for_each(|cell| cell.discovery = None);
        }
        let out = &options.out;
        table(out, CellRow::FILE, CellRow::COLUMNS, &self.cells)?;
        table(out, AnswerRow::FILE, AnswerRow::COLUMNS, &self.answers)?;
        table(out, EndsRow::FILE, EndsRow::COLUMNS, &self.ends)?;
        table(out, TrainerRow::FILE, TrainerRow::COLUMNS, &trainers::trainers(&self.cells))?;
        table(out, EndingRow::FILE, EndingRow::COLUMNS, &self.endings)
    }
}
