//! Errors as Python exceptions, and work without the lock of the interpreter.

use pyo3::prelude::*;
use pyo3::types::PyAny;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Exit code of what the caller is to blame for.
const USAGE: u8 = 2;

/// An exception of the module: `InputError` where the caller is to blame, else `Error`.
pub fn refused(py: Python<'_>, message: &str, help: Option<&str>, exit_code: u8) -> PyErr {
    let name = if exit_code == USAGE { "InputError" } else { "Error" };
    let raised = || -> PyResult<Bound<'_, PyAny>> {
        py.import("tailcatch._errors")?.getattr(name)?.call1((message, help, exit_code))
    };
    match raised() {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// An `InputError`.
pub fn bad(py: Python<'_>, message: impl Display) -> PyErr {
    refused(py, &message.to_string(), None, USAGE)
}

/// An error of the library.
pub fn failed(py: Python<'_>, error: impl Into<tailcatch::Error>) -> PyErr {
    let error = error.into();
    let mut said = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        let cause_said = cause.to_string();
        if !said.contains(&cause_said) {
            said = format!("{said}: {cause_said}");
        }
        source = cause.source();
    }
    refused(py, &said, error.help().as_deref(), error.exit_code())
}

/// Does work without the lock of the interpreter. A panic of the library becomes an `Error`, which `except Exception` catches.
pub fn guarded<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let done = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    done.map_err(|panic| {
        let said = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        refused(
            py,
            &format!("a fault in tailcatch: {said}"),
            Some("please report it with what you called"),
            1,
        )
    })
}
