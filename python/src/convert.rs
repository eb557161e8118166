//! Python's numbers and texts as the library takes them.

use crate::failure::bad;
use numpy::{PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyInt, PyString};
use serde_json::Value;
use std::path::PathBuf;

/// A JSON document as Python has it.
pub fn document(py: Python<'_>, text: &str) -> PyResult<Py<PyAny>> {
    Ok(py.import("json")?.getattr("loads")?.call1((text,))?.unbind())
}

/// One path, or a sequence of them.
pub fn paths(paths: &Bound<'_, PyAny>) -> PyResult<Vec<PathBuf>> {
    match paths.extract::<PathBuf>() {
        Ok(path) => Ok(vec![path]),
        Err(_) => paths.extract(),
    }
}

/// A row of numbers; NaN and None are none. An array of doubles is read where it lies, if each of them lies where a double can.
pub fn numbers(of: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<Option<f64>>> {
    let number = |value: &f64| (!value.is_nan()).then_some(*value);
    if let Ok(array) = of.extract::<PyReadonlyArray1<'_, f64>>() {
        let size = size_of::<f64>();
        let aligned = array.data().addr().is_multiple_of(size);
        // A view whose step is no multiple of a double's size would be read wrongly.
        if aligned && array.strides().iter().all(|stride| stride.unsigned_abs().is_multiple_of(size)) {
            return Ok(array.as_array().iter().map(number).collect());
        }
    }
    let py = of.py();
    let refused = |why: &dyn std::fmt::Display| {
        bad(
            py,
            format!(
                "{name}: a row of numbers is needed, one a rollout, None or NaN where there is none: {why}"
            ),
        )
    };
    let made =
        py.import("numpy")?.getattr("array")?.call1((of, "float64")).map_err(|error| refused(&error))?;
    let array = made.cast::<PyArrayDyn<f64>>().map_err(|error| refused(&error))?;
    if array.ndim() != 1 {
        return Err(refused(&format!("this has shape {:?}", array.shape())));
    }
    Ok(array.readonly().as_array().iter().map(number).collect())
}

/// A text; lone surrogates become U+FFFD.
pub fn text(of: &Bound<'_, PyString>) -> String {
    match of.to_cow() {
        Ok(text) => text.into_owned(),
        Err(_) => of.to_string_lossy().into_owned(),
    }
}

/// A sequence of texts, and of whole numbers too where `or_whole`.
pub fn texts(of: &Bound<'_, PyAny>, name: &str, or_whole: bool) -> PyResult<Vec<Value>> {
    let py = of.py();
    let what = if or_whole { "text or a whole number" } else { "text" };
    if of.is_instance_of::<PyString>() {
        return Err(bad(
            py,
            format!("{name}: a list with {what} for each rollout is needed, this is one text"),
        ));
    }
    let items = of.try_iter().map_err(|error| {
        bad(py, format!("{name}: a list with {what} for each rollout is needed: {error}"))
    })?;
    let mut out = Vec::with_capacity(of.len().unwrap_or(0));
    for (at, item) in items.enumerate() {
        let item = item?;
        if let Ok(item) = item.cast::<PyString>() {
            out.push(Value::String(text(item)));
            continue;
        }
        let whole = if or_whole && (item.is_instance_of::<PyInt>() || item.hasattr("__index__")?) {
            item.extract::<i64>().ok()
        } else {
            None
        };
        match whole {
            Some(whole) => out.push(whole.into()),
            None => {
                let kind = item.get_type().name()?;
                return Err(bad(py, format!("{name}[{at}] is of type {kind}: {what} is needed")));
            }
        }
    }
    Ok(out)
}
