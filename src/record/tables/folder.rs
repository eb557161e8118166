//! A run folder: what `run` leaves behind, and how figures and report read it.
//!
//! `plan.json` is what makes a folder a run folder; every other file may be missing. Tables are read by column
//! name, so the sweep's key columns may stand between the others.

use super::checked::Contents;
pub use super::drawn::{FigureIndex, FigureInfo, Figures, LeftOut};
pub use super::file_names::{
    CONFIG, FEATURES, FIGURES, FIGURES_INDEX, MANIFEST, NARROW, PLAN, RECORDS, SCENARIOS,
};
pub use super::folder_error::FolderError;
use super::made::{MADE, Made, MissingRun, digest};
pub use super::manifest::{MadeWith, Manifest, Numerics};
use super::table_files::TableFiles;
use super::{
    CheckRow, DeploymentRow, DetectorRow, FlagRow, HillRow, ReplicateRow, StepRow, SummaryRow, SurvivalRow,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What was to be run: the arms of the sweep and the runs in plan order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the experiment: the config file's, without extension.
    pub name: String,
    /// The question it answers: the title of the report.
    pub question: String,
    /// Version of the meaning of numbers: results of different versions are not compared.
    pub semantics: u32,
    /// Root seed.
    pub seed: u64,
    /// Replicates of each arm.
    pub replicates: u64,
    /// Swept keys, in the order of the config.
    pub sweep_keys: Vec<String>,
    /// Arms, in the order of the grid.
    pub arms: Vec<ArmInfo>,
    /// Runs, in plan order.
    pub runs: Vec<RunInfo>,
}

/// One arm of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmInfo {
    /// Its number.
    pub arm: usize,
    /// How figures and report call it.
    pub label: String,
    /// Values of the swept keys, in the order of [`Plan::sweep_keys`].
    pub values: Vec<String>,
    /// The same for figures, without what all values of a key share.
    #[serde(default)]
    pub names: Vec<String>,
}

impl ArmInfo {
    /// What figures call the value of a swept key.
    pub fn name(&self, key: usize) -> Option<&str> {
        self.names.get(key).or(self.values.get(key)).map(String::as_str)
    }
}

/// One run of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Number of the arm.
    pub arm: usize,
    /// Replicate, from 0.
    pub replicate: u64,
    /// Identity of the training run.
    pub train_id: String,
}

/// What a run folder says of itself, beside its tables. Who writes there makes the manifest and the mark anew, whatever they are; who
/// reads is told.
#[derive(Debug)]
pub struct Described {
    /// Text of the plan.
    pub plan_text: String,
    /// The plan.
    pub plan: Plan,
    /// The resolved config, as written.
    pub config: Option<String>,
    /// With what it was run.
    pub manifest: Result<Option<Manifest>, FolderError>,
    /// Of which plan its tables are.
    pub made: Result<Option<Made>, FolderError>,
}

impl Described {
    /// Reads what the folder `dir` says of itself.
    ///
    /// # Errors
    /// [`FolderError::NotARun`] without a plan; a file that cannot be read.
    pub fn open(dir: &Path) -> Result<Self, FolderError> {
        let plan_text = text(&dir.join(PLAN))?.ok_or_else(|| FolderError::NotARun(dir.to_owned()))?;
        Ok(Self {
            plan: parse(&dir.join(PLAN), &plan_text)?,
            plan_text,
            config: text(&dir.join(CONFIG))?,
            manifest: Self::manifest(dir),
            made: Self::made(dir),
        })
    }

    /// With what the folder `dir` says that it was run.
    ///
    /// # Errors
    /// A file that cannot be read, or holds something else.
    pub fn manifest(dir: &Path) -> Result<Option<Manifest>, FolderError> {
        json(&dir.join(MANIFEST))
    }

    /// Of which plan the folder `dir` says that its tables are.
    ///
    /// # Errors
    /// A file that cannot be read, or holds something else.
    pub fn made(dir: &Path) -> Result<Option<Made>, FolderError> {
        json(&dir.join(MADE))
    }

    /// Whether its tables are those of its plan; where there is no mark that can be read, nothing says that they are not.
    pub fn owns_its_tables(&self) -> bool {
        let own = || digest(&self.plan_text, self.config.as_deref().unwrap_or_default());
        !matches!(&self.made, Ok(Some(made)) if made.of != own())
    }
}

/// Everything that figures and report need of a run. A table is held against what was written; where the mark does not tell what that was,
/// one whose file is missing is empty.
#[derive(Debug, Clone)]
pub struct RunFolder {
    /// Where it lies.
    pub dir: PathBuf,
    /// What was to be run.
    pub plan: Plan,
    /// With what it was run.
    pub manifest: Option<Manifest>,
    /// The resolved config, as written.
    pub config: Option<String>,
    /// Runs of the plan that are not in the tables, as far as they were told when the tables were made.
    pub missing: Vec<MissingRun>,
    /// Tables of single rollouts that were written and have been removed since.
    pub removed: Vec<String>,
    /// What the tables held when they were written, by file name, as far as it was told.
    pub contents: BTreeMap<String, Contents>,
    /// What became of each run.
    pub replicates: Vec<ReplicateRow>,
    /// Each step of each run.
    pub steps: Vec<StepRow>,
    /// Each detector at each budget in each run.
    pub detectors: Vec<DetectorRow>,
    /// Each rollout that an audit looked at.
    pub flags: Vec<FlagRow>,
    /// Each monitor of each deployed policy.
    pub deployment: Vec<DeploymentRow>,
    /// The numbers.
    pub summary: Vec<SummaryRow>,
    /// What the numbers were held against.
    pub checks: Vec<CheckRow>,
    /// Survival function of the proxy.
    pub survival: Vec<SurvivalRow>,
    /// Hill plots.
    pub hill: Vec<HillRow>,
}

impl RunFolder {
    /// Reads the folder `dir`.
    ///
    /// # Errors
    /// [`FolderError::NotARun`] without a plan; [`FolderError::OtherPlan`] where the tables are not the plan's; [`FolderError::Damaged`] and
    /// [`FolderError::Gone`] where one is not as it was written; else the file, and its line, that cannot be read.
    pub fn open(dir: &Path) -> Result<Self, FolderError> {
        let described = Described::open(dir)?;
        let its_own = described.owns_its_tables();
        let Described { plan, config, manifest, made, .. } = described;
        let (manifest, made) = (manifest?, made?);
        if let Some(arm) = plan.arms.iter().find(|a| a.values.len() != plan.sweep_keys.len()) {
            let (have, need) = (arm.values.len(), plan.sweep_keys.len());
            let message = format!("arm {} has {have} values for {need} swept keys", arm.arm);
            return Err(FolderError::Plan { path: dir.join(PLAN), message });
        }
        if !its_own {
            return Err(FolderError::OtherPlan(dir.to_owned()));
        }
        let is_marked = made.is_some();
        let made = made.unwrap_or_default();
        let (removed, gone) = made.gone(dir)?;
        if let Some(table) = gone.first() {
            return Err(FolderError::Gone { path: dir.join(table), dir: dir.to_owned() });
        }
        let contents = made.tables;
        let of = TableFiles { dir, contents: &contents };
        let replicates: Vec<ReplicateRow> = of.table(ReplicateRow::FILE, ReplicateRow::COLUMNS)?;
        // Folders of earlier versions have no mark.
        let foreign = |row: &ReplicateRow| !plan.runs.iter().any(|run| run.train_id == row.train_id);
        if !is_marked && replicates.first().is_some_and(foreign) {
            return Err(FolderError::OtherPlan(dir.to_owned()));
        }
        Ok(Self {
            manifest,
            config,
            missing: made.missing,
            removed,
            replicates,
            steps: of.table(StepRow::FILE, StepRow::COLUMNS)?,
            detectors: of.table(DetectorRow::FILE, DetectorRow::COLUMNS)?,
            flags: of.table(FlagRow::FILE, FlagRow::COLUMNS)?,
            deployment: of.table(DeploymentRow::FILE, DeploymentRow::COLUMNS)?,
            summary: of.table(SummaryRow::FILE, SummaryRow::COLUMNS)?,
            checks: of.table(CheckRow::FILE, CheckRow::COLUMNS)?,
            survival: of.table(SurvivalRow::FILE, SurvivalRow::COLUMNS)?,
            hill: of.table(HillRow::FILE, HillRow::COLUMNS)?,
            dir: dir.to_owned(),
            contents,
            plan,
        })
    }

    /// Hands over the rows of one table, one after another; none where there is no file.
    pub(super) fn each<R: DeserializeOwned>(
        &self,
        file: &str,
        columns: &[&'static str],
        take: impl FnMut(R),
    ) -> Result<(), FolderError> {
        TableFiles { dir: &self.dir, contents: &self.contents }.each(file, columns, take)
    }

    /// The figures drawn so far, each with its SVG; nothing where none were drawn.
    ///
    /// # Errors
    /// The index or a picture that cannot be read.
    pub fn figures(&self) -> Result<Figures, FolderError> {
        let dir = self.dir.join(FIGURES);
        let index: FigureIndex = json(&dir.join(FIGURES_INDEX))?.unwrap_or_default();
        let mut drawn = Vec::new();
        for figure in index.drawn {
            // A name is a file name, never a path out of the folder.
            let plain = figure.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            if !plain {
                continue;
            }
            if let Some(svg) = text(&dir.join(format!("{}.svg", figure.name)))? {
                drawn.push((figure, svg));
            }
        }
        let first = drawn.first().map(|(figure, _)| format!("{}.svg", figure.name));
        let narrow = first.map(|name| text(&dir.join(NARROW).join(name))).transpose()?.flatten();
        Ok(Figures { drawn, narrow, left_out: index.left_out })
    }

    /// What figures and report call an arm.
    pub fn label(&self, arm: usize) -> String {
        let known = self.plan.arms.iter().find(|a| a.arm == arm).map(|a| a.label.clone());
        known.filter(|label| !label.is_empty()).unwrap_or_else(|| format!("arm {arm}"))
    }

    /// The summary's row of `metric` for `arm`.
    pub fn metric(&self, arm: usize, metric: &str) -> Option<&SummaryRow> {
        self.summary.iter().find(|row| row.arm == arm && row.metric == metric)
    }
}

fn text(path: &Path) -> Result<Option<String>, FolderError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(FolderError::Io { path: path.to_owned(), source }),
    }
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FolderError> {
    text(path)?.map(|text| parse(path, &text)).transpose()
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, FolderError> {
    serde_json::from_str(text).map_err(|source| FolderError::Json { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN_JSON: &str = r#"{"name":"n","question":"q?","semantics":1,"seed":7,"replicates":1,
        "sweep_keys":["reward.error"],"arms":[{"arm":0,"label":"normal","values":["normal"]}],
        "runs":[{"arm":0,"replicate":0,"train_id":"a"}]}"#;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, body) in files {
            fs::write(dir.path().join(name), body).unwrap();
        }
        dir
    }

    #[test]
    fn sweep_keys_may_stand_between_the_columns_and_files_may_be_missing() {
        let summary = "arm,reward.error,metric,estimate,ci_low,ci_high,replicates,method\n\
                       0,normal,utility,1.5,,,1,mean\n";
        let dir = folder(&[(PLAN, PLAN_JSON), ("summary.csv", summary)]);
        let run = RunFolder::open(dir.path()).unwrap();
        assert_eq!(run.metric(0, "utility").unwrap().estimate, Some(1.5));
        assert_eq!(run.metric(0, "utility").unwrap().ci_low, None);
        assert!(run.steps.is_empty() && run.manifest.is_none() && run.config.is_none());
        assert_eq!((run.label(0), run.label(9)), ("normal".to_owned(), "arm 9".to_owned()));
    }

    #[test]
    fn faults_name_file_line_and_remedy() {
        let head = "arm,k,xi,ci_low,ci_high\n0,10,.5,,\n";
        for (body, expected) in [
            (format!("{head}0,11,x,,\n"), "hill.csv, line 3: cell 3: invalid float literal"),
            (format!("{head}0,11,NaN,,\n"), "hill.csv, line 3: column `xi` is `NaN`"),
            (format!("{head}0,11\n"), "hill.csv, line 3: 2 cells where the header has 5"),
            ("arm,k,ci_low,ci_high\n".to_owned(), "has no column `xi`; it has: arm, k, ci_low, ci_high"),
            (String::new(), "has no column `arm`"),
        ] {
            let dir = folder(&[(PLAN, PLAN_JSON), ("hill.csv", &body)]);
            let error = RunFolder::open(dir.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} / {expected}");
        }
        let dir = folder(&[]);
        assert!(RunFolder::open(dir.path()).unwrap_err().to_string().contains("not a run folder"));
        let dir = folder(&[(PLAN, &PLAN_JSON.replace("[\"normal\"]", "[]"))]);
        assert!(RunFolder::open(dir.path()).unwrap_err().to_string().contains("0 values for 1 swept keys"));
    }
}
