//! A log that grows in its files.

use crate::convert::{counted, document, paths, planned_steps, weighed};
use crate::entry::{Entry, Seen};
use crate::failure::{bad, failed, guarded, refused};
use crate::list::planned;
use crate::process::locked;
use pyo3::prelude::*;
use pyo3::types::PyAny;
use std::path::PathBuf;
use std::sync::Mutex;
use tailcatch::cli;
use tailcatch::monitor::ListEntry;
use tailcatch::monitor::evidence;
use tailcatch::monitor::watch::{Kept, StateError, WatchSettings, Watching as Followed};
use tailcatch::record::{self, LogOptions};

/// Follows files that grow: what `tailcatch watch PATHS` does, one turn at a time.
///
/// Parameters
/// ----------
/// paths : path or list of paths
///     Files, folders or patterns, as any trainer writes them.
/// reward : str or dict, optional
///     The reward's column, or columns with weights.
/// step, group, rows : str, optional
///     As the command's flags: columns, and what a row is ("rollouts" or "means").
/// steps : int, optional
///     Training steps that there will be. Without it 100 for each of the reference are planned for.
/// benign, reference_steps
///     As for ReadingList. Groups are found as `tailcatch watch` finds them.
/// state : path, optional
///     A file in which the state is kept by `save`, and from which this goes on if it is there.
///
/// Raises
/// ------
/// InputError
///     A setting outside its range, or a state file of another question.
///
/// Threads may share one.
#[pyclass(frozen, module = "tailcatch")]
pub struct Watching {
    kept: Option<Kept>,
    /// The lock is waited for without that of the interpreter, and held without it.
    read: Mutex<Read>,
}

/// What was read.
struct Read {
    followed: Followed,
    seen: Vec<tailcatch::monitor::watch::Seen>,
    /// Entries of a turn that has not ended yet, or ended in an error.
    held: Vec<ListEntry>,
    ended: bool,
}

#[pymethods]
impl Watching {
    #[new]
    #[pyo3(signature = (paths, *, reward=None, step=None, group=None, rows=None, steps=None, benign=20.0, reference_steps=10, state=None))]
    #[allow(clippy::too_many_arguments, reason = "they are Python's keywords")]
    fn new(
        py: Python<'_>,
        #[pyo3(from_py_with = self::paths)] paths: Vec<PathBuf>,
        #[pyo3(from_py_with = weighed)] reward: Option<String>,
        step: Option<String>,
        group: Option<String>,
        rows: Option<&str>,
        #[pyo3(from_py_with = planned_steps)] steps: Option<i64>,
        benign: f64,
        #[pyo3(from_py_with = counted)] reference_steps: i64,
        state: Option<PathBuf>,
    ) -> PyResult<Self> {
        let options = options(py, reward.as_deref(), step, group, rows)?;
        let (reference_steps, steps) = planned(reference_steps, steps)
            .filter(|_| benign.is_finite() && benign >= 1.0)
            .ok_or_else(|| bad(py, "benign, reference_steps and steps are 1 or more"))?;
        let settings = WatchSettings { benign, reference_steps, steps, ..WatchSettings::default() };
        let kept = state.map(|path| Kept::new(path, &paths, &options, &settings));
        let followed = match &kept {
            Some(kept) => guarded(py, || kept.open(options))?.map_err(|error| of_state(py, &error))?,
            None => Followed::new(paths, options, settings),
        };
        let read = Read { followed, seen: Vec::new(), held: Vec::new(), ended: true };
        Ok(Self { kept, read: Mutex::new(read) })
    }

    /// Reads what came since the last turn; the rollouts of it to read. A step is judged when a later one has begun, when its files
    /// are complete, or when a turn brought nothing more of it; with `last` in any case. What was found before an error comes with the
    /// next turn.
    #[pyo3(signature = (last=false))]
    fn turn(&self, py: Python<'_>, last: bool) -> PyResult<Vec<Entry>> {
        let entries = guarded(py, || locked(&self.read).turn(last))?.map_err(|error| failed(py, error))?;
        Ok(entries.into_iter().map(Entry::from).collect())
    }

    /// The steps that the last turn judged.
    #[getter]
    fn seen(&self, py: Python<'_>) -> PyResult<Vec<Seen>> {
        guarded(py, || locked(&self.read).seen.iter().map(Seen::from).collect())
    }

    /// Writes the state file, whole or not at all.
    fn save(&self, py: Python<'_>) -> PyResult<()> {
        let Some(kept) = &self.kept else { return Err(bad(py, "no state file was named: give state=PATH")) };
        guarded(py, || kept.save(&locked(&self.read).followed))?.map_err(|error| of_state(py, &error))
    }

    /// The verdict on all that was read, as ReadingList.verdict gives it.
    fn verdict(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let said = || serde_json::to_string(&cli::document(&locked(&self.read).followed.reading()));
        let text = guarded(py, said)?;
        document(py, &text.map_err(|error| bad(py, error))?)
    }

    /// The verdict and the list with its texts as one HTML page.
    fn page(&self, py: Python<'_>) -> PyResult<String> {
        let page = || evidence::page(&locked(&self.read).followed.reading());
        guarded(py, page)?.map_err(|error| bad(py, error))
    }
}

impl Read {
    /// Reads what came, to the end of it.
    fn turn(&mut self, last: bool) -> Result<Vec<ListEntry>, record::Error> {
        if std::mem::replace(&mut self.ended, false) {
            self.seen.clear();
        }
        loop {
            let turned = self.followed.turn(last)?;
            self.held.extend(turned.entries);
            self.seen.extend(turned.steps);
            if !turned.more {
                self.ended = true;
                return Ok(std::mem::take(&mut self.held));
            }
        }
    }
}

/// How a log is to be read.
pub fn options(
    py: Python<'_>,
    reward: Option<&str>,
    step: Option<String>,
    group: Option<String>,
    rows: Option<&str>,
) -> PyResult<LogOptions> {
    let reward =
        reward.map(str::parse).transpose().map_err(|error: tailcatch::record::Error| failed(py, error))?;
    let rows = rows.map(str::parse).transpose().map_err(|error: String| bad(py, format!("rows: {error}")))?;
    Ok(LogOptions { reward, step, group, rows, ..LogOptions::default() })
}

fn of_state(py: Python<'_>, error: &StateError) -> PyErr {
    let code = if matches!(error, StateError::Io { .. }) { 1 } else { 2 };
    refused(py, &error.to_string(), Some("remove the file to begin anew, or name another"), code)
}
