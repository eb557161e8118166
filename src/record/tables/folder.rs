//! A run folder: what `run` leaves behind, and how figures and report read it.
//!
//! `plan.json` is what makes a folder a run folder; every other file may be missing. Tables are read by column
//! name, so the sweep's key columns may stand between the others.

use super::{
    CheckRow, DeploymentRow, DetectorRow, FlagRow, HillRow, ReplicateRow, StepRow, SummaryRow, SurvivalRow,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// File name of the [`Plan`].
pub const PLAN: &str = "plan.json";
/// File name of the [`Manifest`].
pub const MANIFEST: &str = "manifest.json";
/// File name of the resolved config.
pub const CONFIG: &str = "config.toml";

/// Folder of the figures, within a run folder.
pub const FIGURES: &str = "figures";
/// File name of the [`FigureIndex`], within the folder of the figures.
pub const FIGURES_INDEX: &str = "figures.json";

/// Columns that hold text, in any table: a NaN elsewhere is refused.
const TEXT: &[&str] = &[
    "train_id",
    "judge_id",
    "detector",
    "group",
    "role",
    "caught_status",
    "access",
    "supervision",
    "status",
    "reason",
    "metric",
    "method",
    "series",
    "deploy_id",
    "monitor",
    "verdict",
    "source",
];

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

/// With what the results were made. Holds no time of day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the program.
    pub version: String,
    /// Version of the meaning of numbers.
    pub semantics: u32,
    /// Commit of the source tree, where it was known.
    pub git_commit: Option<String>,
    /// Root seed.
    pub seed: u64,
    /// Device on which networks were trained.
    pub device: String,
    /// Whose code computed them: `native`, kernels written by hand for the processor, or `burn`.
    #[serde(default = "native")]
    pub kernels: String,
    /// Worker threads.
    pub threads: usize,
    /// What the last digits depend on.
    pub numerics: Numerics,
}

/// What computed networks before manifests said it.
fn native() -> String {
    "native".to_owned()
}

/// Results are the same to the bit only where all of these are equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numerics {
    /// Target triple.
    pub target: String,
    /// CPU features that the mathematics library picks its code by.
    pub cpu_features: String,
    /// Hash of the binary.
    pub binary: String,
}

/// Which figures there are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FigureIndex {
    /// Figures, in the order of the report.
    pub drawn: Vec<FigureInfo>,
    /// Figures that the run cannot carry.
    pub left_out: Vec<LeftOut>,
}

/// One figure; its files are `name.svg`, `name.png` and `name.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FigureInfo {
    /// File name without extension.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub caption: String,
}

/// The figures of a run folder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Figures with their SVG, in the order of the report.
    pub drawn: Vec<(FigureInfo, String)>,
    /// Figures that the run cannot carry.
    pub left_out: Vec<LeftOut>,
}

/// A figure that was not drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why.
    pub status: String,
}

/// Why a run folder cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// No plan, so no run folder.
    #[error("{} is not a run folder: it has no {PLAN}; give a folder that `tailcatch run` has written", .0.display())]
    NotARun(PathBuf),
    /// A file is there and cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A JSON file does not hold what it should.
    #[error("{}: {source}; run `tailcatch run` again to rewrite it", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: serde_json::Error,
    },
    /// A row of a table does not hold what it should.
    #[error("{}, line {line}: {message}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Line, from 1 (the header).
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// A table lacks a column.
    #[error("{} has no column `{column}`; it has: {}", path.display(), have.join(", "))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// The columns there are.
        have: Vec<String>,
    },
    /// A plan that contradicts itself.
    #[error("{}: {message}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

/// Everything that figures and report need of a run. A table whose file is missing is empty.
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
    /// [`FolderError::NotARun`] without a plan; else the file, and its line, that cannot be read.
    pub fn open(dir: &Path) -> Result<Self, FolderError> {
        let plan: Plan = json(&dir.join(PLAN))?.ok_or_else(|| FolderError::NotARun(dir.to_owned()))?;
        if let Some(arm) = plan.arms.iter().find(|a| a.values.len() != plan.sweep_keys.len()) {
            let (have, need) = (arm.values.len(), plan.sweep_keys.len());
            let message = format!("arm {} has {have} values for {need} swept keys", arm.arm);
            return Err(FolderError::Plan { path: dir.join(PLAN), message });
        }
        Ok(Self {
            manifest: json(&dir.join(MANIFEST))?,
            config: text(&dir.join(CONFIG))?,
            replicates: table(dir, ReplicateRow::FILE, ReplicateRow::COLUMNS)?,
            steps: table(dir, StepRow::FILE, StepRow::COLUMNS)?,
            detectors: table(dir, DetectorRow::FILE, DetectorRow::COLUMNS)?,
            flags: table(dir, FlagRow::FILE, FlagRow::COLUMNS)?,
            deployment: table(dir, DeploymentRow::FILE, DeploymentRow::COLUMNS)?,
            summary: table(dir, SummaryRow::FILE, SummaryRow::COLUMNS)?,
            checks: table(dir, CheckRow::FILE, CheckRow::COLUMNS)?,
            survival: table(dir, SurvivalRow::FILE, SurvivalRow::COLUMNS)?,
            hill: table(dir, HillRow::FILE, HillRow::COLUMNS)?,
            dir: dir.to_owned(),
            plan,
        })
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
        Ok(Figures { drawn, left_out: index.left_out })
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
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FolderError::Io { path: path.to_owned(), source }),
    }
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FolderError> {
    let Some(text) = text(path)? else { return Ok(None) };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|source| FolderError::Json { path: path.to_owned(), source })
}

/// Rows of one table; empty where there is no file.
pub(super) fn table<R: DeserializeOwned>(
    dir: &Path,
    file: &str,
    columns: &[&'static str],
) -> Result<Vec<R>, FolderError> {
    let path = dir.join(file);
    let source = match fs::File::open(&path) {
        Ok(source) => source,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(FolderError::Io { path, source }),
    };
    let mut reader = csv::Reader::from_reader(source);
    let fault = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        FolderError::Row { path: path.clone(), line, message: message(&error) }
    };
    let header = reader.headers().map_err(fault)?.clone();
    if let Some(column) = columns.iter().find(|c| !header.iter().any(|h| h == **c)) {
        return Err(FolderError::NoColumn { path, column, have: header.iter().map(str::to_owned).collect() });
    }
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(fault)? {
        let line = record.position().map_or(1, csv::Position::line);
        let nan = header
            .iter()
            .zip(&record)
            .find(|(name, cell)| columns.contains(name) && !TEXT.contains(name) && is_nan(cell));
        if let Some((name, cell)) = nan {
            let message = format!("column `{name}` is `{cell}`; a missing number is an empty cell");
            return Err(FolderError::Row { path, line, message });
        }
        rows.push(record.deserialize(Some(&header)).map_err(|error| FolderError::Row {
            path: path.clone(),
            line,
            message: message(&error),
        })?);
    }
    Ok(rows)
}

fn is_nan(cell: &str) -> bool {
    cell.trim_start_matches(['+', '-']).eq_ignore_ascii_case("nan")
}

/// The fault without the position, which the error names itself.
fn message(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => match err.field() {
            Some(field) => format!("cell {}: {}", field + 1, err.kind()),
            None => err.kind().to_string(),
        },
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => error.to_string(),
    }
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
