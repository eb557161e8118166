//! Errors as Python exceptions, and work without the lock of the interpreter.

use crate::process::{locked, on_own_threads};
use pyo3::prelude::*;
use pyo3::types::PyAny;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Exit code of what the caller is to blame for.
const USAGE: u8 = 2;
/// From one look for Ctrl-C to the next.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes of the stack of a thread that works, as a program's first thread has them.
const STACK: usize = 8 << 20;

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
    let done = py.detach(|| caught(work));
    done.map_err(|said| refused(py, &said, Some("please report it with what you called"), 1))
}

/// As [`guarded`], on a thread of its own: Ctrl-C ends the wait for it. The library cannot be told to stop, so the work itself goes
/// on unseen until it is done or the process ends.
pub fn interruptible<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let work = Arc::new(Mutex::new(Some(work)));
    let (send, mut receive) = channel();
    let others = Arc::clone(&work);
    let started = thread::Builder::new().stack_size(STACK).spawn(move || {
        let work = locked(&others).take();
        if let Some(work) = work {
            // Nobody waits any more after Ctrl-C.
            let _ = send.send(caught(work));
        }
    });
    if started.is_err() {
        // The system gives no thread: the work is done on this one.
        let work = locked(&work).take();
        return guarded(py, || work.map(|work| work()))?
            .ok_or_else(|| refused(py, "a fault in tailcatch: work that is gone", None, 1));
    }
    loop {
        let (back, done) = py.detach(move || {
            let done = receive.recv_timeout(LOOK);
            (receive, done)
        });
        receive = back;
        match done {
            Ok(done) => {
                return done
                    .map_err(|said| refused(py, &said, Some("please report it with what you called"), 1));
            }
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(refused(py, "a fault in tailcatch: a thread ended", None, 1));
            }
        }
    }
}

/// The words of a panic, where there was one.
fn caught<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    let done = catch_unwind(AssertUnwindSafe(|| on_own_threads(work)));
    done.map_err(|panic| {
        let said = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        format!("a fault in tailcatch: {said}")
    })?
}
