//! The threads on which work is shared out.

use std::io;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Starts the threads of rayon's pool: as many as there are processors (or `RAYON_NUM_THREADS`), fewer where the system gives no
/// more, and none but this one where it gives none, as under a limit of processes.
pub fn start_workers() {
    let (send, receive) = channel::<rayon::ThreadBuilder>();
    let receive = Arc::new(Mutex::new(receive));
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok()).filter(|n| *n > 0);
    let wanted = asked.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let start = || {
        let receive = Arc::clone(&receive);
        thread::Builder::new().spawn(move || {
            let worker = receive.lock().unwrap_or_else(PoisonError::into_inner).recv();
            if let Ok(worker) = worker {
                worker.run();
            }
        })
    };
    let started = (0..wanted).take_while(|_| start().is_ok()).count();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(started.max(1));
    // It fails only where there is a pool already.
    let _ = match started {
        0 => pool.use_current_thread().build_global(),
        _ => pool
            .spawn_handler(move |worker| send.send(worker).map_err(|_| io::ErrorKind::BrokenPipe.into()))
            .build_global(),
    };
}
