//! The judge as a Python module. What is computed is the library's; here arguments and answers change their types.

mod columns;
mod convert;
mod entry;
mod failure;
mod list;
mod log;
mod process;
mod watching;

use failure::{guarded, interruptible, refused};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyModule};
use std::ffi::OsString;
use tailcatch::cli;

/// Carries out a command with `--json`: its document as a dict, and what was warned of. The lock of the interpreter is released,
/// and Ctrl-C ends the wait.
#[pyfunction]
fn ask(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<(Py<PyAny>, Vec<String>)> {
    match interruptible(py, || cli::ask(arguments))? {
        Ok(answer) => Ok((convert::document(py, &answer.document)?, answer.warnings)),
        Err(refusal) => Err(refused(py, &refusal.message, refusal.help.as_deref(), refusal.exit_code)),
    }
}

/// Carries out a command line, the program's name first, as the program does; the exit code.
#[pyfunction]
fn execute(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    guarded(py, || cli::execute(arguments))
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    process::settle();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(ask, module)?)?;
    module.add_function(wrap_pyfunction!(execute, module)?)?;
    module.add_function(wrap_pyfunction!(columns::write_columns, module)?)?;
    module.add_function(wrap_pyfunction!(log::read_log, module)?)?;
    module.add_function(wrap_pyfunction!(entry::again, module)?)?;
    module.add_class::<entry::Entry>()?;
    module.add_class::<entry::Seen>()?;
    module.add_class::<list::ReadingList>()?;
    module.add_class::<watching::Watching>()?;
    Ok(())
}
