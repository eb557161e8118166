//! Python's numbers and texts as the library takes them.

use crate::failure::bad;
use numpy::{PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyBytes, PyInt, PyString};
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
        Err(_) => (paths.extract::<Vec<PathBuf>>())
            .map_err(|error| bad(paths.py(), format!("a log is a path, or a list of paths: {error}"))),
    }
}

/// The reward's column, or columns with weights, as the command line has them.
pub fn weighed(reward: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    reward.py().import("tailcatch._ask")?.getattr("weights")?.call1((reward,))?.extract()
}

/// A number of steps.
pub fn counted(of: &Bound<'_, PyAny>) -> PyResult<i64> {
    of.extract().map_err(|error| {
        bad(
            of.py(),
            format!("benign, reference_steps and steps are 1 or more, and no more than 2**63 - 1: {error}"),
        )
    })
}

/// A number of steps, where it is known.
pub fn planned_steps(of: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    if of.is_none() { Ok(None) } else { counted(of).map(Some) }
}

/// What a mapping holds, by names that are texts.
pub fn mapping<'py>(of: &Bound<'py, PyAny>, name: &str) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let py = of.py();
    let items = of
        .call_method0("items")
        .and_then(|items| items.try_iter())
        .map_err(|_| bad(py, format!("{name}: a dict of arrays by name is needed")))?;
    let mut out = Vec::new();
    for item in items {
        let (of, values) = item?
            .extract::<(Bound<'py, PyAny>, Bound<'py, PyAny>)>()
            .map_err(|_| bad(py, format!("{name}: a dict of arrays by name is needed")))?;
        let of = of.cast::<PyString>().map_err(|_| bad(py, format!("{name}: their names are texts")))?;
        out.push((text(of), values));
    }
    Ok(out)
}

/// Bytes, of whatever holds them.
pub fn bytes(of: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<u8>> {
    let py = of.py();
    let refused = |_| bad(py, format!("{name}: bytes are needed"));
    let seen = py.import("builtins")?.getattr("memoryview")?.call1((of,)).map_err(refused)?;
    let made = seen.call_method0("tobytes").map_err(refused)?;
    Ok(made.cast::<PyBytes>().map_err(|error| bad(py, format!("{name}: {error}")))?.as_bytes().to_vec())
}

/// A row of numbers; NaN and None are none. An array of doubles is read where it lies, if each of them lies where a double can.
pub fn numbers(of: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<Option<f64>>> {
    let number = |value: &f64| (!value.is_nan()).then_some(*value);
    // Of a masked array, what is masked is missing.
    let masked = of.hasattr("filled")? && of.hasattr("mask")?;
    if !masked && let Ok(array) = of.extract::<PyReadonlyArray1<'_, f64>>() {
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
    let kind = match of.getattr("dtype").and_then(|of| of.getattr("kind")) {
        Ok(kind) => kind.extract::<String>().unwrap_or_default(),
        Err(_) => String::new(),
    };
    if matches!(kind.as_str(), "c" | "m" | "M") {
        return Err(refused(&format!("this is of type {}", of.getattr("dtype")?)));
    }
    let made = if masked {
        (of.call_method1("astype", ("float64",)))
            .and_then(|of| of.call_method1("filled", (f64::NAN,)))
            .map_err(|error| refused(&error))?
    } else {
        py.import("numpy")?.getattr("array")?.call1((of, "float64")).map_err(|error| refused(&error))?
    };
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
