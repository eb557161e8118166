//! Records written behind the workers: a disk that takes milliseconds to sync a file holds no run up.

use super::{Record, Store, StoreError};
use std::collections::HashSet;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Runs whose records may wait to be written; whoever brings more waits with them. A process that is killed loses so many runs.
const WAITING: usize = 16;
/// Time after which what was written is made safe, all of it at once. A machine that loses power loses so much.
const SAFE_AFTER: Duration = Duration::from_millis(100);

/// The records that one run left.
type Batch = Vec<(String, Record)>;

/// Takes records, which are written in the order in which they came.
pub struct Behind<'a> {
    batches: SyncSender<Batch>,
    state: &'a Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Records that were taken and are not written yet.
    waiting: HashSet<String>,
    /// A problem for each run whose records could not all be written.
    problems: Vec<StoreError>,
    /// The writer is gone, and nothing more is written.
    is_gone: bool,
}

/// Does `work` while its records are written, and ends when the last one is; gives also a problem for each run whose records
/// could not all be written.
///
/// # Errors
/// The writing thread cannot be started; `work` was not begun then.
pub fn behind<T>(
    store: &Store,
    work: impl FnOnce(&Behind<'_>) -> T,
) -> Result<(T, Vec<StoreError>), io::Error> {
    let (batches, taken) = sync_channel(WAITING);
    let state = Mutex::new(State::default());
    let shared = &state;
    let done = thread::scope(|scope| {
        thread::Builder::new().spawn_scoped(scope, move || write(store, shared, taken))?;
        // The channel closes when `work` is done, and the writer ends with it.
        Ok::<T, io::Error>(work(&Behind { batches, state: shared }))
    })?;
    Ok((done, state.into_inner().unwrap_or_else(PoisonError::into_inner).problems))
}

impl Behind<'_> {
    /// Takes the records of a run, to be written soon.
    pub fn write(&self, batch: Batch) {
        lock(self.state).waiting.extend(batch.iter().map(|(id, _)| id.clone()));
        // The writer listens as long as there is a sender; its panic is told when all have ended.
        if self.batches.send(batch).is_err() {
            let mut state = lock(self.state);
            state.waiting.clear();
            state.is_gone = true;
        }
    }

    /// Whether a record was taken and is not written yet.
    pub fn holds(&self, id: &str) -> bool {
        lock(self.state).waiting.contains(id)
    }

    /// Whether some records could not be written.
    pub fn failed(&self) -> bool {
        let state = lock(self.state);
        state.is_gone || !state.problems.is_empty()
    }

    /// Whether nothing more is written.
    pub fn is_gone(&self) -> bool {
        lock(self.state).is_gone
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(store: &Store, state: &Mutex<State>, batches: Receiver<Batch>) {
    let mut synced = Instant::now();
    loop {
        let is_last = match batches.recv_timeout(SAFE_AFTER.saturating_sub(synced.elapsed())) {
            Ok(batch) => {
                let written = store.place_all(&batch);
                let mut state = lock(state);
                for (id, _) in &batch {
                    state.waiting.remove(id);
                }
                state.problems.extend(written.err());
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        if is_last || synced.elapsed() >= SAFE_AFTER {
            let safe = store.sync();
            lock(state).problems.extend(safe.err());
            synced = Instant::now();
        }
        if is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: &str) -> Record {
        let mut record = Record::default();
        record.push("content", content.as_bytes().to_vec());
        record
    }

    #[test]
    fn what_was_taken_is_there_at_the_end_and_never_lost_from_sight() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let runs = 3 * WAITING;
        let ((), problems) = behind(&store, |behind| {
            for run in 0..runs {
                let ids = [format!("{run}-a"), format!("{run}-b")];
                behind.write(ids.iter().map(|id| (id.clone(), record(id))).collect());
                let seen = behind.holds(&ids[1]) || store.read(&ids[1]).unwrap().is_some();
                assert!(seen, "record {} was taken and is nowhere", ids[1]);
            }
        })
        .unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        for run in 0..runs {
            assert_eq!(store.require(&format!("{run}-b")).unwrap().record, record(&format!("{run}-b")));
        }
    }

    #[test]
    fn a_writer_that_is_gone_holds_nothing() {
        let (batches, taken) = sync_channel(WAITING);
        let state = Mutex::new(State::default());
        let behind = Behind { batches, state: &state };
        assert!(!behind.is_gone());
        drop(taken);
        behind.write(vec![("a".to_owned(), record("a"))]);
        assert!(behind.is_gone() && behind.failed() && !behind.holds("a"));
    }

    #[test]
    fn many_workers_wait_for_a_full_queue_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let ids: Vec<String> = (0..8 * WAITING).map(|run| run.to_string()).collect();
        let ((), problems) = behind(&store, |behind| {
            thread::scope(|scope| {
                for own in ids.chunks(WAITING) {
                    scope.spawn(move || {
                        own.iter().for_each(|id| behind.write(vec![(id.clone(), record(id))]));
                    });
                }
            });
        })
        .unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        assert!(ids.iter().all(|id| store.require(id).unwrap().record == record(id)));
    }

    #[test]
    fn a_run_whose_records_cannot_be_written_is_told_once_and_the_others_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.write("taken", &record("of another result")).unwrap();
        let (failed, problems) = behind(&store, |behind| {
            let batch = ["before", "taken", "after"].map(|id| (id.to_owned(), record(id)));
            behind.write(batch.to_vec());
            behind.write(vec![("next".to_owned(), record("next"))]);
            while behind.holds("next") {
                thread::yield_now();
            }
            behind.failed()
        })
        .unwrap();
        assert!(failed);
        assert!(matches!(problems.as_slice(), [StoreError::Conflict { .. }]), "{problems:?}");
        assert!(store.read("before").unwrap().is_some() && store.read("next").unwrap().is_some());
    }
}
