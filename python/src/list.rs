//! The reading list of a run that tells its rollouts step by step.

use crate::convert::{bytes, counted, document, mapping, numbers, planned_steps, texts};
use crate::entry::{Entry, Seen};
use crate::failure::{bad, guarded, refused};
use crate::process::locked;
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyBytes};
use std::collections::BTreeMap;
use std::sync::Mutex;
use tailcatch::cli;
use tailcatch::monitor::evidence;
use tailcatch::monitor::watch::{Listening, Message, WatchSettings};
use tailcatch::monitor::{Centre, ListEntry};

/// What names the groups.
#[derive(Clone, Copy, PartialEq)]
enum By {
    /// Groups where they are told, else prompts.
    Either,
    Prompt,
    Group,
}

/// The rollouts of a run that are worth reading, as they come.
///
/// A rollout is listed if its reward, less the median of its step, is among the k highest seen so far. Whatever the law of
/// the rewards, about `benign` benign ones are listed in all as long as rewards keep their law: k follows from that (k-records).
///
/// Parameters
/// ----------
/// reference_steps : int
///     Steps at the beginning that are taken for normal; a tenth of `steps` where that is less.
/// benign : float
///     Benign rollouts that one is ready to read in all, 1 or more.
/// group_by : None, "group" or "prompt"
///     What names the group of a rollout: `groups` where they are given and else the prompt; always `groups`; always the prompt.
/// center : "step", "group" or "auto"
///     The median that a reward is compared with: of its step, of its group (where it has four or more), or whichever fits
///     the first step. `tailcatch watch` decides by "auto".
/// steps : int, optional
///     Training steps that there will be. Without it 100 for each of the reference are planned for.
///
/// Raises
/// ------
/// InputError
///     A setting outside its range.
///
/// Threads may share one: each call sees all of an update or nothing of it. It is neither copied nor pickled; `state` and `restore`
/// carry it elsewhere.
#[pyclass(frozen, module = "tailcatch")]
pub struct ReadingList {
    by: By,
    /// The lock is waited for without that of the interpreter, and held without it.
    told: Mutex<Told>,
}

/// What a list was told.
struct Told {
    listening: Listening,
    seen: Option<tailcatch::monitor::watch::Seen>,
    entries: u64,
}

impl ReadingList {
    /// Reads what was told, from any thread.
    fn of<T: Send>(&self, py: Python<'_>, read: impl FnOnce(&Told) -> T + Send) -> PyResult<T> {
        guarded(py, || read(&locked(&self.told)))
    }
}

#[pymethods]
impl ReadingList {
    #[new]
    #[pyo3(signature = (reference_steps=10, benign=20.0, group_by=None, center="step", *, steps=None))]
    fn new(
        py: Python<'_>,
        #[pyo3(from_py_with = counted)] reference_steps: i64,
        benign: f64,
        group_by: Option<&str>,
        center: &str,
        #[pyo3(from_py_with = planned_steps)] steps: Option<i64>,
    ) -> PyResult<Self> {
        let by = match group_by {
            None => By::Either,
            Some("prompt") => By::Prompt,
            Some("group") => By::Group,
            Some(other) => {
                return Err(bad(py, format!("group_by: `{other}` is none of None, \"group\", \"prompt\"")));
            }
        };
        let centre = match center {
            "step" => Some(Centre::Step),
            "group" => Some(Centre::Group),
            "auto" => None,
            other => {
                return Err(bad(py, format!("center: `{other}` is none of \"step\", \"group\", \"auto\"")));
            }
        };
        let (reference_steps, steps) = planned(reference_steps, steps)
            .ok_or_else(|| bad(py, "reference_steps and steps are 1 or more"))?;
        if !(benign.is_finite() && benign >= 1.0) {
            return Err(bad(py, format!("benign: {benign} is no number of rollouts of 1 or more")));
        }
        let settings = WatchSettings { benign, reference_steps, steps, centre };
        Ok(Self {
            by,
            told: Mutex::new(Told { listening: Listening::new(settings), seen: None, entries: 0 }),
        })
    }

    /// Sees all rollouts of a step at once, before the update or after it.
    ///
    /// Parameters
    /// ----------
    /// step : int
    ///     Training step, above that of the last update: a list counts updates as steps, so a step is told whole.
    /// rewards : array of n numbers
    ///     The raw reward of each rollout. None or NaN: it has none, is left out and counted under `rows_left_out`. An array of
    ///     float64 is read where it lies.
    /// prompts, completions : sequences of n texts, optional
    ///     Equal completions of equal prompts are one rollout. A lone surrogate becomes U+FFFD.
    /// groups : sequence of n texts or whole numbers, optional
    ///     Equal for rollouts that are compared with each other.
    /// log_probs, ref_log_probs : arrays of n numbers, optional
    ///     Log-probability of each completion under the policy and under the reference, in nats. They stand beside an entry.
    /// parts : dict of arrays of n numbers, optional
    ///     What the rewards are made of, by name. They stand beside an entry.
    ///
    /// Returns
    /// -------
    /// list of Entry
    ///     The rollouts to read: none in the reference, whose own come with the first step after it.
    ///
    /// Raises
    /// ------
    /// InputError
    ///     A shape, length, type or infinite reward that does not fit, a step that came already or that went back; then the update
    ///     counts for nothing.
    #[pyo3(signature = (step, rewards, *, prompts=None, completions=None, groups=None, log_probs=None, ref_log_probs=None, parts=None))]
    #[allow(clippy::too_many_arguments, reason = "they are Python's keywords")]
    fn update(
        &self,
        py: Python<'_>,
        step: &Bound<'_, PyAny>,
        rewards: &Bound<'_, PyAny>,
        prompts: Option<&Bound<'_, PyAny>>,
        completions: Option<&Bound<'_, PyAny>>,
        groups: Option<&Bound<'_, PyAny>>,
        log_probs: Option<&Bound<'_, PyAny>>,
        ref_log_probs: Option<&Bound<'_, PyAny>>,
        parts: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<Entry>> {
        let step: u64 = step
            .extract()
            .map_err(|error| bad(py, format!("step: a whole number of 0 or more is needed: {error}")))?;
        let needed = match self.by {
            By::Group if groups.is_none() => Some("groups"),
            By::Prompt if prompts.is_none() => Some("prompts"),
            _ => None,
        };
        if let Some(needed) = needed {
            return Err(bad(py, format!("{needed}: they are needed, group_by asks for them")));
        }
        let groups = groups.filter(|_| self.by != By::Prompt);
        let list = |of: Option<&Bound<'_, PyAny>>, name, whole| match of {
            Some(of) => texts(of, name, whole),
            None => Ok(Vec::new()),
        };
        let row = |of: Option<&Bound<'_, PyAny>>, name| match of {
            Some(of) => numbers(of, name),
            None => Ok(Vec::new()),
        };
        let mut named = BTreeMap::new();
        for (name, of) in parts.map(|parts| mapping(parts, "parts")).transpose()?.unwrap_or_default() {
            let of = numbers(&of, &name)?;
            named.insert(name, of);
        }
        let message = Message {
            step,
            rewards: numbers(rewards, "rewards")?,
            groups: list(groups, "groups", true)?,
            prompts: list(prompts, "prompts", false)?,
            completions: list(completions, "completions", false)?,
            parts: named,
            log_probs: row(log_probs, "log_probs")?,
            ref_log_probs: row(ref_log_probs, "ref_log_probs")?,
        };
        let entries = guarded(py, || locked(&self.told).take(&message))?.map_err(|error| bad(py, error))?;
        Ok(entries.into_iter().map(Entry::from).collect())
    }

    /// The step of the last update, or None.
    #[getter]
    fn seen(&self, py: Python<'_>) -> PyResult<Option<Seen>> {
        self.of(py, |told| told.seen.as_ref().map(Seen::from))
    }

    /// Whether all that was seen belongs to the reference.
    #[getter]
    fn is_learning(&self, py: Python<'_>) -> PyResult<bool> {
        self.of(py, |told| told.listening.watch().is_learning())
    }

    /// Entries since this object was made.
    #[getter]
    fn entries(&self, py: Python<'_>) -> PyResult<u64> {
        self.of(py, |told| told.entries)
    }

    /// Rollouts that stand apart so far, said with an error of 2% over the whole run. The verdict, which looks once at what was seen,
    /// may have some where this count has none yet.
    #[getter]
    fn apart(&self, py: Python<'_>) -> PyResult<usize> {
        self.of(py, |told| told.listening.watch().apart().map_or(0, |apart| apart.count))
    }

    /// The verdict on all that was seen: the document of `tailcatch detect --json` without detectors, as a dict with `verdict`
    /// ("flagged", "quiet", "shifted" or "not_judged"), `verdict_text`, `assumptions`, `reading_list`, `shared`, `evidence`.
    fn verdict(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let text = self.of(py, |told| serde_json::to_string(&cli::document(&told.listening.reading())))?;
        document(py, &text.map_err(|error| bad(py, error))?)
    }

    /// The verdict, the rewards by step and the list with its texts as one HTML page that needs nothing else.
    fn page(&self, py: Python<'_>) -> PyResult<String> {
        self.of(py, |told| evidence::page(&told.listening.reading()))?.map_err(|error| bad(py, error))
    }

    /// All that is needed to go on, as bytes: `restore` takes them in another process. They hold what each rollout is known again by,
    /// some 45 bytes a rollout.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes =
            self.of(py, |told| told.listening.state())?.map_err(|error| refused(py, &error, None, 1))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Goes on from the bytes of `state`.
    ///
    /// Raises
    /// ------
    /// InputError
    ///     Bytes that are no state of this version, or one with other settings; then nothing changes.
    fn restore(&self, py: Python<'_>, state: &Bound<'_, PyAny>) -> PyResult<()> {
        let state = bytes(state, "state")?;
        guarded(py, || {
            let mut told = locked(&self.told);
            told.listening.restore(&state)?;
            told.seen = None;
            Ok(())
        })?
        .map_err(|error: String| bad(py, error))
    }
}

impl Told {
    /// Takes a step that is above the last; the rollouts of it to read.
    fn take(&mut self, message: &Message) -> Result<Vec<ListEntry>, String> {
        let step = message.step;
        if let Some(last) = self.listening.watch().last_step().filter(|last| step <= *last) {
            return Err(format!(
                "step: {step} comes after step {last}; steps go up, and all rollouts of a step are told in one update"
            ));
        }
        let (seen, entries) = self.listening.take(message)?;
        self.seen = Some(seen);
        self.entries += entries.len() as u64;
        Ok(entries)
    }
}

/// Steps of the reference and of the run, where they are 1 or more.
pub fn planned(reference_steps: i64, steps: Option<i64>) -> Option<(u64, Option<u64>)> {
    let counted = |steps: i64| u64::try_from(steps).ok().filter(|steps| *steps > 0);
    Some((counted(reference_steps)?, steps.map(|steps| counted(steps).ok_or(())).transpose().ok()?))
}
