//! Submits an array, waits for its end, and submits again exactly what is missing.

use super::refused;
use crate::cli::console::Console;
use crate::cli::{Error as CliError, status};
use crate::config::SlurmSection;
use crate::experiment::Stored;
use crate::experiment::slurm::{Job, script};
use crate::foundation::atomic_file;
use crate::foundation::presence::is_absence;
use crate::record::folder::FolderError;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Arrays that are submitted at most.
const MOST_ARRAYS: usize = 4;
/// Time between two looks at the queue, and between two looks at an interrupt.
const LOOK: Duration = Duration::from_secs(5);
const BLINK: Duration = Duration::from_millis(200);
/// Looks at a queue that does not answer before it is given up.
const PATIENCE: usize = 720;

/// Sees the runs of a folder through the cluster until none is missing, or as many arrays were submitted as may be; `false` where it was
/// interrupted: the array goes on then.
pub(super) fn see_through(
    job: &Job,
    asked: &SlurmSection,
    out: &Path,
    stop: &AtomicBool,
    console: &Console,
) -> Result<bool, crate::Error> {
    let note = out.join("slurm.job");
    // An array that an interrupted call has left in the queue.
    match fs::read_to_string(&note) {
        Ok(id) if !ended(id.trim(), stop, console)? => return Ok(false),
        // Another array beside one that is at work would make everything twice.
        Err(source) if !is_absence(&source) => return Err(FolderError::Io { path: note, source }.into()),
        _ => {}
    }
    let mut before = None;
    for _ in 0..MOST_ARRAYS {
        let stored = Stored::open(&[out.to_owned()])?;
        let count = stored.count(stop)?;
        // What somebody must decide on is told by the merge; what an array made nothing of, another will not.
        let is_stuck = before.replace(count.missing.len()) == Some(count.missing.len());
        if count.missing.is_empty() || !count.problems.is_empty() || is_stuck {
            return Ok(true);
        }
        let mut job = job.clone();
        if !count.finished.is_empty() {
            let list = out.join("missing.ids");
            status::write_ids(&count, &list)?;
            job.run.extend(["--ids".to_owned(), list.display().to_string()]);
        }
        let most = NonZeroUsize::new(count.missing.len()).unwrap_or(NonZeroUsize::MIN);
        job.shards = job.shards.min(most);
        let path = out.join("slurm.sh");
        let text = script(&job, asked).map_err(refused)?;
        write(&path, &text)?;
        let id = sbatch(&path, out)?;
        write(&note, &id)?;
        console.note(format!(
            "array {id}: {} tasks for {} runs that are missing; an interrupt leaves it in the queue",
            job.shards,
            count.missing.len()
        ));
        if !ended(&id, stop, console)? {
            console.warn(format!("array {id} goes on; the same command waits for what it leaves to be done"));
            return Ok(false);
        }
    }
    Ok(true)
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |source| CliError::Output { what: path.display().to_string(), source };
    atomic_file::write(path, text.as_bytes()).map_err(failed)
}

/// Whether there is a queue to submit to.
pub(super) fn reachable() -> Result<(), CliError> {
    match Command::new("sbatch").arg("--version").output() {
        Ok(_) => Ok(()),
        Err(error) => Err(unusable("sbatch", &error.to_string())),
    }
}

/// Submits the script; gives the number of the job.
fn sbatch(script: &Path, out: &Path) -> Result<String, CliError> {
    let logs = out.join("slurm-%A_%a.log");
    let mut command = Command::new("sbatch");
    command.args(["--parsable", "--export=ALL,TAILCATCH_MERGE=no", "--output"]).arg(logs).arg(script);
    let output = command.output().map_err(|error| unusable("sbatch", &error.to_string()))?;
    let told = String::from_utf8_lossy(&output.stdout);
    // A cluster's name may follow the number.
    let id = told.trim().split(';').next().unwrap_or_default().to_owned();
    if !output.status.success() || id.is_empty() {
        return Err(unusable("sbatch", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(id)
}

/// Waits until no task of a job is in the queue; `false` where it was interrupted.
fn ended(id: &str, stop: &AtomicBool, console: &Console) -> Result<bool, CliError> {
    let (mut silent, mut is_told) = (0, false);
    while silent < PATIENCE {
        let output = Command::new("squeue").args(["--noheader", "--format=%i %r", "--jobs", id]).output();
        let output = output.map_err(|error| unusable("squeue", &error.to_string()))?;
        let told = String::from_utf8_lossy(&output.stderr);
        match output.status.success() {
            true if output.stdout.iter().all(u8::is_ascii_whitespace) => return Ok(true),
            true => {
                silent = 0;
                let waits = |line: &str| {
                    line.contains("held") || line.contains("Held") || line.contains("NeverSatisfied")
                };
                let queue = String::from_utf8_lossy(&output.stdout);
                if !is_told && queue.lines().all(waits) {
                    is_told = true;
                    console.warn(format!(
                        "what is left of array {id} is held: `scontrol release {id}` lets it go on, `scancel {id}` gives it up:\n{queue}"
                    ));
                }
            }
            // The controller has forgotten a job that ended, or that it never wrote down.
            false if told.contains("Invalid job id") => return Ok(true),
            false => {
                if silent == 0 {
                    console.warn(format!("the queue does not answer, and is asked again: {}", told.trim()));
                }
                silent += 1;
            }
        }
        for _ in 0..LOOK.as_millis() / BLINK.as_millis() {
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            std::thread::sleep(BLINK);
        }
    }
    Err(unusable("squeue", "it has not answered for an hour"))
}

fn unusable(program: &str, problem: &str) -> CliError {
    CliError::Output {
        what: format!("to the queue with {program}"),
        source: std::io::Error::other(format!(
            "{problem}; without --submit the script is printed, for a machine that has Slurm"
        )),
    }
}
