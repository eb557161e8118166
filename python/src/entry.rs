//! A rollout on the list, and a step that was seen.

use crate::convert;
use crate::failure::bad;
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyDict};
use std::path::PathBuf;
use tailcatch::cli::listed;
use tailcatch::monitor::ListEntry;

/// A rollout that is worth reading, and why.
#[pyclass(frozen, module = "tailcatch")]
pub struct Entry(ListEntry);

impl From<ListEntry> for Entry {
    fn from(entry: ListEntry) -> Self {
        Self(entry)
    }
}

#[pymethods]
impl Entry {
    /// Training step.
    #[getter]
    fn step(&self) -> u64 {
        self.0.step
    }
    /// Position in the step's lists, or row of its file, from 0.
    #[getter]
    fn row(&self) -> usize {
        self.0.row
    }
    /// File, of a log that is followed; else None.
    #[getter]
    fn file(&self) -> Option<PathBuf> {
        Some(self.0.file.clone()).filter(|file| !file.as_os_str().is_empty())
    }
    /// Line of a text file, from 1; of a list that is told its steps, the number of the update.
    #[getter]
    fn line(&self) -> Option<u64> {
        self.0.line
    }
    /// Reward.
    #[getter]
    fn reward(&self) -> f64 {
        self.0.reward
    }
    /// What stands beside the reward, by name: its parts, and log-probabilities in nats.
    #[getter]
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let parts = PyDict::new(py);
        for (name, value) in &self.0.parts {
            parts.set_item(name, value)?;
        }
        Ok(parts)
    }
    /// The median that the reward is compared with.
    #[getter]
    fn centre(&self) -> f64 {
        self.0.centre
    }
    /// Reward less centre.
    #[getter]
    fn score(&self) -> f64 {
        self.0.score
    }
    /// Rank among those seen by then, from 1.
    #[getter]
    fn rank(&self) -> usize {
        self.0.rank
    }
    /// How many had been seen by then.
    #[getter]
    fn of(&self) -> u64 {
        self.0.of
    }
    /// Benign entries that were to be expected by then.
    #[getter]
    fn expected_benign(&self) -> f64 {
        self.0.expected_benign
    }
    /// Whether it is one of the reference.
    #[getter]
    fn reference(&self) -> bool {
        self.0.reference
    }
    /// Whether it stands apart from all that was seen, by a gap that the tail does not explain.
    #[getter]
    fn apart(&self) -> bool {
        self.0.apart
    }
    /// The prompt, cut in its middle where it is long.
    #[getter]
    fn prompt(&self) -> Option<&str> {
        self.0.prompt.as_deref()
    }
    /// The completion, cut in its middle where it is long.
    #[getter]
    fn completion(&self) -> Option<&str> {
        self.0.completion.as_deref()
    }
    /// Why it is listed.
    #[getter]
    fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The entry as the command's JSON has it: `file` is "" and `line` the number of the update where a list was told its steps.
    fn to_dict(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        convert::document(py, &serde_json::to_string(&listed(&self.0)).unwrap_or_default())
    }

    /// To be pickled and copied.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let kept = serde_json::to_string(&self.0).map_err(|error| bad(py, error))?;
        Ok((py.import("tailcatch._native")?.getattr("again")?, (kept,)))
    }

    fn __repr__(&self) -> String {
        let ListEntry { step, row, reward, reason, .. } = &self.0;
        format!("<Entry step {step} row {row}: reward {reward}, {reason}>")
    }
}

/// The entry that was pickled.
#[pyfunction]
pub fn again(py: Python<'_>, kept: &str) -> PyResult<Entry> {
    let entry =
        serde_json::from_str(kept).map_err(|error| bad(py, format!("no entry of a list: {error}")))?;
    Ok(Entry(entry))
}

/// A step that was seen.
#[pyclass(frozen, get_all, module = "tailcatch")]
pub struct Seen {
    /// Training step.
    step: u64,
    /// Its rollouts, each counted once.
    rollouts: usize,
    /// Whether it belongs to the reference.
    reference: bool,
    /// Share of them whose reward reaches the lowest of those that stand apart so far.
    share: f64,
}

#[pymethods]
impl Seen {
    fn __repr__(&self) -> String {
        let Self { step, rollouts, reference, share } = self;
        format!("Seen(step={step}, rollouts={rollouts}, reference={reference}, share={share})")
    }
}

impl From<&tailcatch::monitor::watch::Seen> for Seen {
    fn from(seen: &tailcatch::monitor::watch::Seen) -> Self {
        Self { step: seen.step, rollouts: seen.rollouts, reference: seen.reference, share: seen.share }
    }
}
