//! Puts the records together in plan order: the tables of a run folder.

use super::checks::{self, ArmNumbers};
use super::estimates;
use super::quantities::{Judged, quantities};
use crate::config::{Arm, Loaded};
use crate::experiment::error::ExperimentError;
use crate::experiment::plan::runs::{Judgement, Planned, keeps_rollouts};
use crate::experiment::store::features;
use crate::experiment::store::numerics::Tally;
use crate::experiment::store::rows::{self, lead};
use crate::experiment::store::{Record, Store, StoreError};
use crate::experiment::training::trained::section;
use crate::foundation::atomic_file::AtomicFile;
use crate::record::checked::Checked;
use crate::record::checked::Contents;
use crate::record::tables::{
    CheckRow, DeploymentBody, DeploymentRow, DetectorBody, DetectorRow, FlagRow, HillRow, ObservedRow,
    ReplicateBody, ReplicateRow, StepRow, SummaryRow, SurvivalRow, TruthRow,
};
use std::path::{Path, PathBuf};

/// A table on its way: complete under its name once it is finished, or not there.
pub struct Table {
    path: PathBuf,
    name: &'static str,
    file: Checked<AtomicFile>,
}

/// A table that is complete and has no name yet.
pub struct Complete {
    path: PathBuf,
    /// Its file name.
    pub name: &'static str,
    /// What it holds.
    pub contents: Contents,
    file: AtomicFile,
}

impl Table {
    fn create(out: &Path, name: &'static str, columns: &[String]) -> Result<Self, StoreError> {
        let path = out.join(name);
        let file = AtomicFile::create(&path).map_err(StoreError::io("create", &path))?;
        let mut table = Self { path, name, file: Checked::new(file) };
        let header = lead(columns);
        table.put(header.trim_end_matches(',').as_bytes(), "")?;
        table.put(b"\n", "")?;
        Ok(table)
    }

    fn put(&mut self, lines: &[u8], before: &str) -> Result<(), StoreError> {
        rows::prefix(lines, before, &mut self.file).map_err(StoreError::io("write", &self.path))
    }

    fn complete(self) -> Complete {
        let (file, contents) = self.file.finish();
        Complete { path: self.path, name: self.name, contents, file }
    }
}

impl Complete {
    /// Makes it appear under its name.
    ///
    /// # Errors
    /// The file, and what the system said.
    pub fn finish(self) -> Result<(), StoreError> {
        self.file.commit().map_err(StoreError::io("write", &self.path))
    }
}

/// The tables of a run folder, still under no name.
pub struct Merged {
    /// Those that there are.
    pub tables: Vec<Complete>,
    /// Names of those that this plan has not.
    pub absent: Vec<&'static str>,
    /// What made the records.
    pub made_with: Tally,
}

/// Columns of a table, the sweep's keys after those of its identity.
fn columns(fixed: &[&str], identity: &[&str], keys: &[String]) -> Vec<String> {
    let (before, after) = fixed.split_at(identity.len().min(fixed.len()));
    let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    [owned(before), keys.to_vec(), owned(after)].concat()
}

/// Puts every table of the run folder together.
///
/// # Errors
/// A record that is not there or cannot be read; a file that cannot be written.
pub fn merge(
    loaded: &Loaded,
    runs: &[Planned],
    store: &Store,
    out: &Path,
) -> Result<Merged, ExperimentError> {
    let mut made_with = Tally::default();
    let mut take = |id: &str| -> Result<Record, StoreError> {
        let kept = store.require(id)?;
        made_with.count(&kept.stamp.numerics);
        Ok(kept.record)
    };
    let keys = &loaded.sweep_keys;
    let plain = |fixed: &[&str]| columns(fixed, &[], &[]);
    let mut replicates = Table::create(
        out,
        ReplicateRow::FILE,
        &columns(ReplicateRow::COLUMNS, ReplicateRow::IDENTITY, keys),
    )?;
    let mut steps = Table::create(out, StepRow::FILE, &plain(StepRow::COLUMNS))?;
    let mut detectors = Table::create(out, DetectorRow::FILE, &plain(DetectorRow::COLUMNS))?;
    let mut flags = Table::create(out, FlagRow::FILE, &plain(FlagRow::COLUMNS))?;
    let mut observed = Table::create(out, ObservedRow::FILE, &plain(ObservedRow::COLUMNS))?;
    let mut truth = Table::create(out, TruthRow::FILE, &plain(TruthRow::COLUMNS))?;
    let mut survival = Table::create(out, SurvivalRow::FILE, &plain(SurvivalRow::COLUMNS))?;
    let mut hill = Table::create(out, HillRow::FILE, &plain(HillRow::COLUMNS))?;
    let deployed = runs.iter().any(|planned| !planned.deploy_ids.is_empty());
    let create = || Table::create(out, DeploymentRow::FILE, &plain(DeploymentRow::COLUMNS));
    let mut deployment = deployed.then(create).transpose()?;
    let mut judged = Vec::with_capacity(runs.len());
    for planned in runs {
        let (arm, replicate) = (planned.arm.to_string(), planned.replicate.to_string());
        let record = take(&planned.run_id)?;
        let bytes = |name: &str| record.section(name).unwrap_or_default();
        let identity = [planned.train_id.to_string(), arm.clone(), replicate.clone()];
        steps.put(bytes("steps.csv"), &lead(&identity))?;
        let mut of_run = read_run(&record, &store.path(&planned.run_id), planned)?;
        for (judgement, id) in planned.judgements() {
            let apart = matches!(judgement, Judgement::Detector(_)).then(|| take(id)).transpose()?;
            let record = apart.as_ref().unwrap_or(&record);
            let bytes = |name: &str| record.section(name).unwrap_or_default();
            let judge = [id.to_owned(), planned.train_id.to_string()];
            let identity = lead(&[&judge[..], &[arm.clone(), replicate.clone()]].concat());
            detectors.put(bytes("detectors.csv"), &identity)?;
            flags.put(bytes("flags.csv"), &lead(&judge))?;
            of_run.detectors.extend(section::<DetectorBody>(record, &store.path(id), "detectors.csv")?);
        }
        for id in &planned.deploy_ids {
            let record = take(id)?;
            if let Some(table) = &mut deployment {
                let rows = record.section(DeploymentRow::FILE).unwrap_or_default();
                table.put(rows, &lead(&[id.to_string(), arm.clone(), replicate.clone()]))?;
            }
            of_run.deployment.extend(section::<DeploymentBody>(
                &record,
                &store.path(id),
                DeploymentRow::FILE,
            )?);
        }
        judged.push(of_run);
        survival.put(bytes("survival.csv"), &lead(std::slice::from_ref(&arm)))?;
        hill.put(bytes("hill.csv"), &lead(std::slice::from_ref(&arm)))?;
        if keeps_rollouts(&loaded.arms[planned.arm].document, planned.replicate) {
            let record = take(&planned.train_id)?;
            let bytes = |name: &str| record.section(name).unwrap_or_default();
            let identity = lead(&[planned.train_id.to_string()]);
            observed.put(bytes("observed.csv"), &identity)?;
            truth.put(bytes("truth.csv"), &identity)?;
        }
    }
    recover(loaded, &mut judged);
    for (planned, of_run) in runs.iter().zip(&judged) {
        let identity = [planned.train_id.to_string(), planned.arm.to_string(), planned.replicate.to_string()];
        let swept = [&identity[..], &loaded.arms[planned.arm].values].concat();
        replicates.put(&rows::encode(std::slice::from_ref(&of_run.replicate))?, &lead(&swept))?;
    }
    let mut summary =
        Table::create(out, SummaryRow::FILE, &columns(SummaryRow::COLUMNS, SummaryRow::IDENTITY, keys))?;
    let mut arms = Vec::with_capacity(loaded.arms.len());
    for arm in &loaded.arms {
        let of_arm: Vec<&Judged> = judged.iter().filter(|j| j.arm == arm.index).collect();
        let quantities = quantities(&of_arm);
        let rows = estimates::summarise(&quantities, loaded.document.seed);
        let swept = [&[arm.index.to_string()][..], &arm.values].concat();
        summary.put(&rows::encode(&rows)?, &lead(&swept))?;
        arms.push(ArmNumbers { arm, quantities });
    }
    let checks = check(loaded, &arms, out)?;
    let features = activations(loaded, runs, store, out)?;
    let mut absent = Vec::new();
    absent.extend(deployment.is_none().then_some(DeploymentRow::FILE));
    absent.extend(features.is_none().then_some(features::SECTION));
    let tables = [replicates, steps, detectors, flags, observed, truth, survival, hill, summary, checks];
    let tables = tables.into_iter().chain(deployment).chain(features).map(Table::complete).collect();
    Ok(Merged { tables, absent, made_with })
}

/// Fills in how much of the harm a response undid: (V − V_none)/(V_clean − V_none), where the same replicate of the arm that
/// differs in its audit alone, and does not respond, was damaged.
fn recover(loaded: &Loaded, judged: &mut [Judged]) {
    let acts = |arm: &Arm| arm.document.audit.response.acts();
    let alike = |a: &Arm, b: &Arm| {
        let values = a.values.iter().zip(&b.values).zip(&loaded.sweep_keys);
        values.into_iter().all(|((a, b), key)| a == b || key.starts_with("audit."))
    };
    let left: Vec<(usize, u64, f64)> = (judged.iter())
        .filter(|run| !acts(&loaded.arms[run.arm]) && run.replicate.damage_step.is_some())
        .filter_map(|run| Some((run.arm, run.number, run.replicate.utility?)))
        .collect();
    for run in judged.iter_mut().filter(|run| acts(&loaded.arms[run.arm])) {
        let own = &loaded.arms[run.arm];
        let same =
            |(arm, number, _): &&(usize, u64, f64)| *number == run.number && alike(own, &loaded.arms[*arm]);
        let ReplicateBody { utility, clean_utility, .. } = run.replicate;
        if let (Some((_, _, none)), Some(utility), Some(clean)) =
            (left.iter().find(same), utility, clean_utility)
        {
            run.replicate.recovery = (clean > *none).then(|| (utility - none) / (clean - none));
        }
    }
}

/// `features.csv`, where activations are recorded: arms may differ in how many they have, so that narrower rows end early.
fn activations(
    loaded: &Loaded,
    runs: &[Planned],
    store: &Store,
    out: &Path,
) -> Result<Option<Table>, ExperimentError> {
    let kept = |planned: &&Planned| {
        let document = &loaded.arms[planned.arm].document;
        document.record.activations && keeps_rollouts(document, planned.replicate)
    };
    let mut widest: Vec<u8> = Vec::new();
    for planned in runs.iter().filter(kept) {
        let record = store.require(&planned.train_id)?.record;
        let (header, _) = features::split(record.section(features::SECTION).unwrap_or_default());
        if header.len() > widest.len() {
            widest = header.to_vec();
        }
    }
    if widest.is_empty() {
        return Ok(None);
    }
    let header = String::from_utf8_lossy(&widest);
    let columns: Vec<String> =
        ["train_id"].into_iter().chain(header.trim_end().split(',')).map(str::to_owned).collect();
    let mut table = Table::create(out, features::SECTION, &columns)?;
    for planned in runs.iter().filter(kept) {
        let record = store.require(&planned.train_id)?.record;
        let (own, lines) = features::split(record.section(features::SECTION).unwrap_or_default());
        let commas = |header: &[u8]| header.iter().filter(|b| **b == b',').count();
        let missing = ",".repeat(commas(&widest) - commas(own));
        let identity = lead(&[planned.train_id.to_string()]);
        for line in lines.split_inclusive(|b| *b == b'\n') {
            table.put(line.strip_suffix(b"\n").unwrap_or(line), &identity)?;
            table.put(format!("{missing}\n").as_bytes(), "")?;
        }
    }
    Ok(Some(table))
}

/// What was expected beside what was found; only the header where nothing was expected.
fn check(loaded: &Loaded, arms: &[ArmNumbers<'_>], out: &Path) -> Result<Table, ExperimentError> {
    let keys = &loaded.sweep_keys;
    let mut table =
        Table::create(out, CheckRow::FILE, &columns(CheckRow::COLUMNS, CheckRow::IDENTITY, keys))?;
    for (arm, row) in checks::check(loaded, arms) {
        let (arm, values) = match arm.and_then(|arm| loaded.arms.get(arm)) {
            Some(arm) => (arm.index.to_string(), arm.values.clone()),
            None => (String::new(), vec![String::new(); keys.len()]),
        };
        table.put(&rows::encode(&[row])?, &lead(&[&[arm][..], &values].concat()))?;
    }
    Ok(table)
}

/// The run's own row, as the summary needs it; no detector yet.
fn read_run(record: &Record, path: &Path, planned: &Planned) -> Result<Judged, StoreError> {
    let replicate = section::<ReplicateBody>(record, path, "replicate.csv")?.pop();
    let replicate = replicate.ok_or_else(|| StoreError::Absent { path: path.to_owned() })?;
    let steps = record.section("steps.csv").map_or(0, |b| b.iter().filter(|b| **b == b'\n').count());
    let (arm, number) = (planned.arm, planned.replicate);
    Ok(Judged { arm, number, replicate, detectors: Vec::new(), deployment: Vec::new(), steps: steps as u64 })
}
