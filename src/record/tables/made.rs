//! Of which plan the tables of a run folder are, and what each holds: the mark that they are whole.

use super::checked::{Checked, Contents};
use super::file_names::FEATURES;
use super::folder_error::FolderError;
use super::{ObservedRow, TruthRow};
use crate::foundation::presence;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// File name of [`Made`].
pub const MADE: &str = "tables.json";

/// What the tables hold. It is written after the last of them, and taken back before the first is written anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// [`digest`] of the plan and the config; empty while the tables are written, or where another plan came since.
    pub of: String,
    /// Runs of the plan that are not in the tables.
    #[serde(default)]
    pub missing: Vec<MissingRun>,
    /// The tables by file name. Folders of earlier versions have none here, and their tables are read unverified.
    #[serde(default)]
    pub tables: BTreeMap<String, Contents>,
}

/// Tables of single rollouts, which may be large: they may be removed, and what needs them says so.
const REMOVABLE: [&str; 3] = [ObservedRow::FILE, TruthRow::FILE, FEATURES];

impl Made {
    /// Its tables. A name is a file name, never a path out of the folder.
    fn own(&self) -> impl Iterator<Item = (&String, &Contents)> {
        self.tables.iter().filter(|(name, _)| Path::new(name).file_name() == Some(OsStr::new(name.as_str())))
    }

    /// The tables that were written and are not in the folder `dir`: those of single rollouts, which may be removed, and the others.
    ///
    /// # Errors
    /// The system does not let see.
    pub fn gone(&self, dir: &Path) -> Result<(Vec<String>, Vec<String>), FolderError> {
        let mut gone = Vec::new();
        for (name, _) in self.own() {
            let path = dir.join(name);
            if !presence::is_there(&path).map_err(|source| FolderError::Io { path, source })? {
                gone.push(name.clone());
            }
        }
        Ok(gone.into_iter().partition(|name| REMOVABLE.contains(&name.as_str())))
    }

    /// Reads every table in the folder `dir`, and gives those that are not as they were written; one of single rollouts may be gone.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn damaged(&self, dir: &Path) -> Result<Vec<String>, FolderError> {
        let mut damaged = Vec::new();
        for (name, contents) in self.own() {
            let path = dir.join(name);
            let failed = |source| FolderError::Io { path: path.clone(), source };
            let is_whole = match fs::File::open(&path) {
                Ok(file) => Checked::new(file).is(contents).map_err(failed)?,
                Err(error) if presence::is_absence(&error) => REMOVABLE.contains(&name.as_str()),
                Err(error) => return Err(failed(error)),
            };
            if !is_whole {
                damaged.push(name.clone());
            }
        }
        Ok(damaged)
    }
}

/// A run that is not in the tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRun {
    /// Number of the arm.
    pub arm: usize,
    /// Replicate, from 0.
    pub replicate: u64,
    /// Identity of the training run.
    pub train_id: String,
    /// Why it is not there.
    pub reason: String,
}

/// A short name of a plan and its config, as they stand in their files.
pub fn digest(plan: &str, config: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in [plan, config] {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
