//! Threads in a process that was forked: those of its parent's pool are not in it.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The process that loaded the module, whose pool is rayon's own.
static HOME: OnceLock<u32> = OnceLock::new();
/// The pool of a forked process, and which.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// What a lock holds. Work that failed while it was held has told so itself.
pub fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers which process this is.
pub fn settle() {
    HOME.get_or_init(process::id);
}

/// Does work on threads that there are.
///
/// # Errors
/// The words of a forked process that can start none.
pub fn on_own_threads<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    let here = process::id();
    if *HOME.get_or_init(process::id) == here { Ok(work()) } else { Ok(pool(here)?.install(work)) }
}

fn pool(here: u32) -> Result<Arc<ThreadPool>, String> {
    let mut kept = locked(&POOL);
    if let Some((process, pool)) = &*kept
        && *process == here
    {
        return Ok(Arc::clone(pool));
    }
    let pool = ThreadPoolBuilder::new().build().map(Arc::new).map_err(|error| {
        format!("no threads in a forked process: {error}; use the start method \"spawn\" of multiprocessing")
    })?;
    // The pool of a parent that was forked itself waits for threads that are not here.
    std::mem::forget(kept.replace((here, Arc::clone(&pool))));
    Ok(pool)
}
