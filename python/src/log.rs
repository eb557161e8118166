//! A log as arrays.

use crate::convert::paths;
use crate::failure::{failed, interruptible};
use crate::watching::options;
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;
use tailcatch::record::{self, Observed, Origin};

/// The columns of a log as arrays that nothing was copied for, in step order.
#[pyfunction]
#[pyo3(signature = (paths, *, reward=None, step=None, group=None, rows=None, features=None))]
#[allow(clippy::too_many_arguments, reason = "they are Python's keywords")]
pub fn read_log<'py>(
    py: Python<'py>,
    #[pyo3(from_py_with = self::paths)] paths: Vec<PathBuf>,
    reward: Option<&str>,
    step: Option<String>,
    group: Option<String>,
    rows: Option<&str>,
    features: Option<Vec<String>>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut options = options(py, reward, step, group, rows)?;
    options.features = features.unwrap_or_default();
    let read = move || -> Result<_, record::Error> {
        let log = record::read_log(&paths, &options)?;
        let (files, places): (Vec<u64>, Vec<u64>) =
            log.rollouts.origin.iter().map(|Origin { file, row, .. }| (*file as u64, *row as u64)).unzip();
        Ok((log.rollouts.observed, files, places, log.meta))
    };
    let (observed, files, places, meta) = interruptible(py, read)?.map_err(|error| failed(py, error))?;
    let Observed {
        step,
        outcome,
        prompt,
        group,
        proxy,
        parts,
        advantage,
        log_prob,
        ref_log_prob,
        length,
        features,
        ..
    } = observed;
    let out = PyDict::new(py);
    out.set_item("step", step.into_pyarray(py))?;
    out.set_item("reward", proxy.into_pyarray(py))?;
    for (name, words) in
        [("group", group), ("prompt", prompt), ("outcome", outcome), ("file", files), ("row", places)]
    {
        out.set_item(name, words.into_pyarray(py))?;
    }
    let optional = [
        ("advantage", advantage),
        ("log_prob", log_prob),
        ("ref_log_prob", ref_log_prob),
        ("length", length),
    ];
    for (name, numbers) in optional {
        out.set_item(name, numbers.map(|numbers| numbers.into_pyarray(py)))?;
    }
    for (name, columns) in [("parts", parts), ("features", features)] {
        let named = PyDict::new(py);
        for (name, numbers) in columns {
            named.set_item(name, numbers.into_pyarray(py))?;
        }
        out.set_item(name, named)?;
    }
    out.set_item("files", meta.files)?;
    out.set_item("notes", meta.notes)?;
    out.set_item("reward_source", meta.reward.to_string())?;
    out.set_item("step_source", meta.step.to_string())?;
    out.set_item("group_source", meta.group.to_string())?;
    out.set_item("aggregate", meta.aggregate)?;
    out.set_item("rows_left_out", meta.empty)?;
    out.set_item("duplicates", meta.repeated)?;
    Ok(out)
}
