//! The deciding experiment: does the objection hold, for whom, and where?
//!
//! A grid of cells (trainer × KL × size of the exploit, and one factor at a time apart from it), each of them trained where nobody
//! audits, under every auditor, as placebo and as swap twin, all by the programmes and endings of the
//! [benchmark](super::benchmark). Of the runs that learn the exploit, [`criterion`](crate::metrics::criterion) says what the share
//! of harmed ones under the audit means. A run is one record, whatever arms and files ask for it.

mod cell;
mod grid;
mod programmes;
mod together;
mod trainers;

pub use grid::Sheet;
pub use together::together;

use super::benchmark::endings::{Role, endings};
use super::benchmark::overall::{self, Overall};
use super::benchmark::place::{Kind, Place};
use super::benchmark::programmes::Programme;
use super::benchmark::trial;
use super::benchmark::{Scenario, describe, named, table};
use super::error::JudgeError;
use super::subject::Subject;
use crate::audit::response::ResponseSpec;
use crate::config::Document;
use crate::experiment::error::ExperimentError;
use crate::experiment::plan::id::Id;
use crate::experiment::plan::ids::train_id;
use crate::experiment::plan::runs::{Judgement, Planned, plan};
use crate::experiment::store::numerics::Tally;
use crate::experiment::store::occupied::Held;
use crate::experiment::store::{Record, Store, rows};
use crate::experiment::training::trained::section;
use crate::experiment::work::{Hooks, Options, Progress, carry_out_anew};
use crate::policies::Backend;
use crate::record::endpoint::{EndingRow, NONE};
use crate::record::folder::{PLAN, RECORDS};
use crate::record::verdict::{AnswerRow, CellRow, EndsRow, TrainerRow};
use cell::Cell;
use grid::Axes;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Runs after which a cell gets no more if all of them sampled the exploit and nobody learned it. Where one in twenty learns it,
/// none of 90 does in 1.0%, and with that at most 7 of 300 in 2.4%: both looks together stay within the level of one test.
const FIRST: u64 = 90;

/// Version of what a record holds: bumped when the same run gives other rows.
const MEASURES: u32 = 1;

/// What a finished verdict comes to. The folder is held for it until the last copy of this is gone.
#[derive(Debug, Clone)]
pub struct Reached {
    /// Cells.
    pub cells: usize,
    /// Runs in all of them.
    pub runs: usize,
    /// Runs that were there already.
    pub reused: usize,
    _held: Arc<Held>,
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

    /// The runs: in the places of detectors stand the records that are apart.
    fn runs(&self, backend: &Backend) -> Result<Vec<Planned>, ExperimentError> {
        let described =
            |e: serde_json::Error| ExperimentError::Describe { file: PLAN, problem: e.to_string() };
        let mut runs = plan(&self.scenario.loaded, backend).map_err(described)?;
        for run in &mut runs {
            let document = &self.scenario.loaded.arms[run.arm].document;
            let identity = |roles: &[Role]| -> Result<Id, ExperimentError> {
                let mut hasher = blake3::Hasher::new();
                hasher.update(b"verdict").update(&MEASURES.to_le_bytes()).update(run.clean_id.as_bytes());
                for role in roles {
                    let twin = role.twin(document);
                    let id = train_id(&role.document(document), run.replicate, twin, backend);
                    hasher.update(id.map_err(described)?.as_bytes());
                }
                Ok(Id::of(&hasher.finalize()))
            };
            let apart = self.apart(document, run.arm);
            let judge_ids = apart.iter().map(|roles| identity(roles)).collect::<Result<_, _>>()?;
            run.run_id = identity(&self.decisive(document))?;
            run.judge_ids = judge_ids;
        }
        Ok(runs)
    }

    /// Cells that go on after these runs: all but those in which so many sampled the exploit and nobody learned it.
    fn open(&self, runs: &[Planned], store: &Store) -> Result<HashSet<&str>, ExperimentError> {
        let mut unlearned: HashMap<&str, u64> = HashMap::new();
        let mut learned = HashSet::new();
        let mut taken: HashSet<&str> = HashSet::new();
        // Arms that differ in their response alone share runs.
        for run in runs.iter().filter(|run| taken.insert(&run.run_id)) {
            let name = self.names[run.arm].as_str();
            let Some(record) = store.read(&run.run_id)? else { continue };
            let endings = section::<EndingRow>(&record, &store.path(&run.run_id), EndingRow::FILE)?;
            for ending in endings.iter().filter(|ending| ending.role == NONE && ending.sightings > 0) {
                if ending.learned_step.is_some() {
                    learned.insert(name);
                } else {
                    *unlearned.entry(name).or_default() += 1;
                }
            }
        }
        let is_closed =
            |name: &&str| !learned.contains(*name) && unlearned.get(*name).is_some_and(|n| *n >= FIRST);
        Ok(self.names.iter().map(String::as_str).filter(|name| !is_closed(name)).collect())
    }

    /// What is trained in every run.
    fn decisive(&self, document: &Document) -> Vec<Role> {
        let mut programmes = programmes::all(document);
        if self.sheet.compares_lists() {
            programmes.truncate(1);
        }
        Role::with(document, programmes)
    }

    /// What has a record of its own beside that of the run: the auditors that add up visits, that of both lists, and the arm's own response, where it has one.
    fn apart(&self, document: &Document, arm: usize) -> Vec<Vec<Role>> {
        if self.sheet.compares_lists() {
            let lists = [vec![programmes::by_sums()], programmes::both_lists(document)];
            return lists.map(roles).to_vec();
        }
        let own = self.responses.get(arm).and_then(|response| programmes::own(document, response));
        [programmes::over_visits(), programmes::both_lists(document)]
            .into_iter()
            .chain(own.map(|own| vec![own]))
            .map(roles)
            .collect()
    }

    /// The roles that a judgement of an arm's runs is about.
    fn roles(&self, document: &Document, arm: usize, asked: Judgement) -> Vec<Role> {
        match asked {
            Judgement::Run => self.decisive(document),
            Judgement::Detector(place) => {
                self.apart(document, arm).into_iter().nth(place).unwrap_or_default()
            }
        }
    }
}

fn roles(programmes: Vec<Programme>) -> Vec<Role> {
    programmes.into_iter().map(|one| Role::Programme(Box::new(one))).collect()
}

/// Runs what is not there yet of every sheet, then writes the tables into the folder.
///
/// # Errors
/// As [`run`](crate::experiment::run()), with the scenario's name; other sheets are at work in the folder.
pub fn verdict(
    sheets: &[Sheet],
    options: &Options,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Reached, ExperimentError> {
    let store = Store::of([options.out.join(RECORDS).as_path()]).allowing_mixed(options.allow_mixed);
    let planned: Vec<Planning<'_>> = sheets.iter().map(Planning::of).collect();
    let mut plans = Vec::new();
    for own in &planned {
        let runs = own.runs(&options.backend).map_err(|source| named(&own.scenario, source))?;
        plans.push((&own.scenario, runs));
    }
    let store = store.for_records(plans.iter().flat_map(|(_, runs)| runs).map(Planned::records).sum());
    let place = Place::of(&options.out, Kind::Verdict, &plans)?;
    let held = place.begin(&plans, &store, options, stop)?;
    let cost = |document: &Document, asked: Judgement| match asked {
        Judgement::Run => overall::programmes(document, &Role::with(document, programmes::all(document))),
        // From one to four programmes.
        Judgement::Detector(_) => {
            overall::programmes(document, &roles(programmes::over_visits()[1..3].to_vec()))
        }
    };
    let bar = Overall::start(&plans, &store, progress, |arm, asked| cost(&arm.document, asked));
    let mut tables = Tables::default();
    let held = Arc::new(held);
    let mut done = Reached { cells: 0, runs: 0, reused: 0, _held: Arc::clone(&held) };
    for (own, (scenario, runs)) in planned.iter().zip(&plans) {
        let judge = |subject: &Subject<'_>, asked: &[Judgement]| -> Result<Vec<Record>, JudgeError> {
            let mut records = Vec::with_capacity(asked.len());
            for judgement in asked {
                let roles = own.roles(subject.document, subject.arm, *judgement);
                let cell = trial::Cell { scenario: "", arm: "", replicate: subject.replicate };
                let mut record = Record::default();
                record.push(EndingRow::FILE, rows::encode(&endings(subject, cell, &roles)?)?);
                records.push(record);
                bar.spent(cost(subject.document, *judgement));
            }
            Ok(records)
        };
        let hooks = Hooks { judge: &judge, progress: &bar, stop };
        let carry = |runs: &[Planned]| carry_out_anew(&scenario.loaded, runs, &store, options, &hooks);
        let (mut taken, rest): (Vec<Planned>, Vec<Planned>) =
            runs.iter().cloned().partition(|run| run.replicate < FIRST);
        // A run that fails takes no other with it: the rest goes on, and then it is told.
        let early = match carry(&taken) {
            Err(problem) if !matches!(problem, ExperimentError::Failed { .. }) => {
                return Err(named(scenario, problem));
            }
            early => early,
        };
        let open = own.open(&taken, &store)?;
        let (rest, needless): (Vec<Planned>, Vec<Planned>) =
            rest.into_iter().partition(|run| open.contains(own.names[run.arm].as_str()));
        for run in &needless {
            let left = run.judgements().filter(|(_, id)| !store.path(id).exists());
            left.for_each(|(asked, _)| bar.spent(cost(&scenario.loaded.arms[run.arm].document, asked)));
        }
        let late = carry(&rest);
        for carried in [early, late] {
            done.reused += carried.map_err(|source| named(scenario, source))?;
        }
        taken.extend(rest);
        done.runs += taken.len();
        done.cells += tables.take(own, &taken, &store)?;
    }
    let made_with = std::mem::take(&mut tables.made_with);
    if !options.allow_mixed {
        made_with.unmingled()?;
    }
    place.check(&held)?;
    tables.write(options)?;
    describe(options, sheets.first().map_or(0, |sheet| sheet.scenario.loaded.document.seed), &made_with)?;
    Ok(done)
}

/// The rows of all cells.
#[derive(Debug, Default)]
struct Tables {
    cells: Vec<CellRow>,
    answers: Vec<AnswerRow>,
    ends: Vec<EndsRow>,
    endings: Vec<EndingRow>,
    /// What made the records.
    made_with: Tally,
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
                // The run's own programmes come before those apart.
                let mut judgements: Vec<(Judgement, &str)> = run.judgements().collect();
                judgements.rotate_right(1);
                for (_, id) in judgements {
                    if taken.insert(id) {
                        let kept = store.require(id)?;
                        self.made_with.count(&kept.stamp.numerics);
                        endings.extend(section::<EndingRow>(&kept.record, &store.path(id), EndingRow::FILE)?);
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
