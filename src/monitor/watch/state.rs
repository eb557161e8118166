//! The state of a watched log, kept in a file from one run of the program to the next.

use super::files::{State, Watching};
use super::rows::WatchSettings;
use crate::foundation::atomic_file;
use crate::record::{LogOptions, Progress};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The version of the file.
const VERSION: u32 = 11;

/// Why a state cannot be kept, or not be gone on from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The system refused.
    #[error("cannot {action} the state file {path}: {source}", path = .path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not one of this version.
    #[error("{path} is no state of this version: {reason}", path = .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The state belongs to another question.
    #[error("{path} was kept with {key} {kept}, and {asked} is asked now", path = .path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What differs.
        key: &'static str,
        /// What it was.
        kept: String,
        /// What it is now.
        asked: String,
    },
}

/// What was asked, in the words of the one who asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Question {
    settings: WatchSettings,
    paths: Vec<PathBuf>,
    reward: Option<String>,
    step: Option<String>,
    group: Option<String>,
    #[serde(default)]
    prompt: Option<String>,
    #[serde(default)]
    completion: Option<String>,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    question: &'a Question,
    progress: &'a Progress,
    state: &'a State,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Deserialize)]
struct Read {
    question: Question,
    progress: Progress,
    state: State,
}

/// A state file.
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    question: Question,
}

impl Kept {
    /// A file for what is asked of `paths`.
    pub fn new(path: PathBuf, paths: &[PathBuf], options: &LogOptions, settings: &WatchSettings) -> Self {
        let question = Question {
            settings: settings.clone(),
            paths: paths.to_vec(),
            reward: options.reward.as_ref().map(ToString::to_string),
            step: options.step.clone(),
            group: options.group.clone(),
            prompt: options.prompt.clone(),
            completion: options.completion.clone(),
        };
        Self { path, question }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is watched, from where the file ends if it is there.
    ///
    /// # Errors
    /// A file that cannot be read, is none of this version, or belongs to another question.
    pub fn open(&self, options: LogOptions) -> Result<Watching, StateError> {
        // What a process that was killed left beside it. The state can be read and written where the folder cannot be listed.
        let folder = self.path.parent().filter(|own| !own.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _ = atomic_file::sweep(folder);
        let paths = self.question.paths.clone();
        let anew = || Watching::new(paths.clone(), options.clone(), self.question.settings.clone());
        let bytes = match fs::metadata(&self.path) {
            Ok(found) if found.is_file() => {
                fs::read(&self.path).map_err(|source| self.refused("read", source))?
            }
            // What keeps nothing, as /dev/null does, gives nothing.
            Ok(found) if !found.is_dir() => return Ok(anew()),
            Ok(_) => return Err(self.refused("read", io::ErrorKind::IsADirectory.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(anew()),
            Err(source) => return Err(self.refused("read", source)),
        };
        let foreign = |reason: String| StateError::Foreign { path: self.path.clone(), reason };
        let unread = |error: serde_json::Error| foreign(error.to_string());
        let Versioned { version } = serde_json::from_slice(&bytes).map_err(unread)?;
        if version != VERSION {
            return Err(foreign(format!("version {version}, not {VERSION}")));
        }
        let read: Read = serde_json::from_slice(&bytes).map_err(unread)?;
        self.question.same(&read.question, &self.path)?;
        Ok(Watching::of(read.state, read.progress, paths, options))
    }

    /// Writes the state, whole or not at all.
    ///
    /// # Errors
    /// The system refuses.
    pub fn save(&self, watching: &Watching) -> Result<(), StateError> {
        let progress = watching.follower.progress();
        let written =
            Written { version: VERSION, question: &self.question, progress, state: &watching.state };
        let bytes = serde_json::to_vec(&written).map_err(|error| self.refused("write", error.into()))?;
        atomic_file::write(&self.path, &bytes).map_err(|source| self.refused("write", source))
    }

    fn refused(&self, action: &'static str, source: io::Error) -> StateError {
        StateError::Io { action, path: self.path.clone(), source }
    }
}

impl Question {
    fn same(&self, kept: &Self, path: &Path) -> Result<(), StateError> {
        let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
        let name = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let paths =
            |of: &Self| of.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ");
        let steps =
            |of: &Self| of.settings.steps.map_or_else(|| "none".to_owned(), |steps| steps.to_string());
        let pairs = [
            ("the paths", paths(kept), paths(self)),
            ("--reward", name(&kept.reward), name(&self.reward)),
            ("--step", name(&kept.step), name(&self.step)),
            ("--group", name(&kept.group), name(&self.group)),
            ("--prompt", name(&kept.prompt), name(&self.prompt)),
            ("--completion", name(&kept.completion), name(&self.completion)),
            ("--budget", kept.settings.benign.to_string(), self.settings.benign.to_string()),
            ("--steps", steps(kept), steps(self)),
            ("the settings", text(&kept.settings), text(&self.settings)),
        ];
        match pairs.into_iter().find(|(_, kept, asked)| kept != asked) {
            Some((key, kept, asked)) => Err(StateError::Other { path: path.to_owned(), key, kept, asked }),
            None => Ok(()),
        }
    }
}
