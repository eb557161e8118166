//! `tailcatch run`: train, judge, draw, report.

use super::bar::{Bar, by_cost, by_runs};
use super::console::Console;
use super::finish::names;
use super::{Error as CliError, Outcome, finish, sketch};
use crate::config;
use crate::experiment::{self, ExperimentError, Ids, Options, Outlook, Part, Shard};
use crate::policies::{Backend, Kernels};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Run every arm and replicate of an experiment, then draw its figures and write its report
///
/// What is finished already is reused: the same command after a stop goes on, and a new detector is judged on
/// stored rollouts without training again.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Experiment configs (TOML)
    #[arg(required = true, value_name = "CONFIG")]
    configs: Vec<PathBuf>,
    /// Run folder [default: runs/<config name>]; with several configs, the folder that holds theirs
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Override a key, for example --set replicates=4 or --set trainer.reinforce.steps=50
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Worker threads [default: all cores]; results do not depend on it
    #[arg(long, short = 't', value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Only part I of N of the runs, I from 0; `tailcatch merge` makes the tables when all parts are there
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Only the runs whose train_id stands in FILE, one a line, as `tailcatch status --ids` writes it
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
    /// Say what would be run, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Stop at the first run that fails; without it the tables are made of the others, and the report says which failed and why
    #[arg(long)]
    fail_fast: bool,
    /// Let results of another binary or another kind of processor stand beside new ones; their last digits may differ
    #[arg(long)]
    allow_mixed: bool,
    /// Where networks are trained
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceName,
    /// Whose code computes policies and their gradients [default: native on cpu, else burn]
    #[arg(long, value_enum)]
    kernels: Option<KernelsName>,
}

/// Devices this build can train on.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum DeviceName {
    /// The processor, single-threaded per run; runs go in parallel
    Cpu,
    /// A graphics processor through wgpu
    #[cfg(feature = "wgpu")]
    Wgpu,
}

/// Kernels as they are named on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum KernelsName {
    /// Written by hand for the processor
    Native,
    /// The burn module that defines the policy, with burn's automatic differentiation
    Burn,
}

/// What networks are computed on and by.
fn backend(device: DeviceName, kernels: Option<KernelsName>) -> Result<Backend, CliError> {
    match (device, kernels) {
        (DeviceName::Cpu, None | Some(KernelsName::Native)) => Ok(Backend::cpu(Kernels::Native)),
        (DeviceName::Cpu, Some(KernelsName::Burn)) => Ok(Backend::cpu(Kernels::Burn)),
        #[cfg(feature = "wgpu")]
        (DeviceName::Wgpu, None | Some(KernelsName::Burn)) => Ok(Backend::wgpu()),
        #[cfg(feature = "wgpu")]
        (DeviceName::Wgpu, Some(KernelsName::Native)) => Err(CliError::Value {
            flag: "--kernels",
            reason: "native kernels are for the processor, and --device is wgpu".to_owned(),
            help: "leave --kernels out, or train with --device cpu".to_owned(),
        }),
    }
}

/// Runs the command.
pub fn run(args: &RunArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let backend = backend(args.device, args.kernels)?;
    let stop = interruptible(console);
    let threads = args.threads.map_or_else(default_threads, NonZeroUsize::get);
    // Every config is read before any is run, so that a fault in the last costs no hour.
    let loaded: Vec<config::Loaded> =
        args.configs.iter().map(|path| config::load(path, &args.sets)).collect::<Result<_, _>>()?;
    let names = names(&args.configs, "CONFIG")?;
    let ids = args.ids.as_deref().map(read_ids).transpose()?;
    let part = Part { ids, shard: args.shard };
    let mut failure: Option<ExperimentError> = None;
    let mut documents = Vec::new();
    let mut texts = Vec::new();
    for (name, loaded) in names.into_iter().zip(&loaded) {
        let out = match &args.out {
            Some(out) if args.configs.len() == 1 => out.clone(),
            Some(out) => out.join(&name),
            None => Path::new("runs").join(&name),
        };
        let options = Options {
            out: out.clone(),
            threads,
            fail_fast: args.fail_fast,
            backend: backend.clone(),
            part: part.clone(),
            allow_mixed: args.allow_mixed,
        };
        for caution in experiment::cautions(loaded) {
            console.warn(caution);
        }
        if args.dry_run {
            let outlook = match experiment::outlook(loaded, &options, &stop) {
                Err(error) if error.is_stop() => {
                    console.warn(&error);
                    return Ok(Outcome::Stopped);
                }
                outlook => outlook?,
            };
            let Outlook { planned, runs, reused } = outlook;
            texts.push(format!(
                "{name}: {runs} of {planned} runs are asked for in {}; {reused} are there, {} would be made\n",
                out.display(),
                runs - reused
            ));
            documents.push(
                json!({ "name": name, "out": out, "planned": planned, "runs": runs, "reused": reused }),
            );
            continue;
        }
        let bar = by_runs(console, &name);
        let finished = match experiment::run(loaded, &name, &options, &bar, &stop) {
            Ok(finished) => finished,
            Err(ExperimentError::Stopped { out, done, total }) => {
                bar.abandon();
                console.warn(format!(
                    "stopped with {done} of {total} runs finished and kept in {}; the same command goes on",
                    out.display()
                ));
                return Ok(Outcome::Stopped);
            }
            Err(error @ ExperimentError::StoppedEarly) => {
                bar.abandon();
                console.warn(&error);
                return Ok(Outcome::Stopped);
            }
            // The tables hold the others, and the next experiment has its turn.
            Err(error @ ExperimentError::Failed { .. }) if part.is_whole() && !args.fail_fast => {
                bar.abandon();
                if stop.load(Ordering::Relaxed) {
                    return Err(error.into());
                }
                let report = match finish::figures_and_report(&out, console) {
                    Ok(told) => format!("the report says which: {}", told.report.display()),
                    Err(problem) => format!("there is no report: {problem}"),
                };
                console.warn(format!("{name}: {error}; {report}"));
                failure.get_or_insert(error);
                continue;
            }
            Err(error) => {
                bar.abandon();
                return Err(error.into());
            }
        };
        bar.clear();
        if finished.reused > 0 {
            console.note(format!("{} of {} runs were there already", finished.reused, finished.runs));
        }
        if !finished.tabulated {
            texts.push(format!(
                "{name}: {} runs are finished and kept in {}; `tailcatch merge {}` makes the tables when all are there\n",
                finished.runs,
                out.display(),
                out.display()
            ));
            documents
                .push(json!({ "name": name, "out": out, "runs": finished.runs, "reused": finished.reused }));
            continue;
        }
        let told = finish::figures_and_report(&out, console)?;
        let finding = sketch::broken(&format!("{name}: {}", told.finding));
        texts.push(format!("{finding}\n\n{}\nreport: {}\n", told.summary, told.report.display()));
        documents.push(json!({
            "name": name,
            "out": out,
            "runs": finished.runs,
            "reused": finished.reused,
            "finding": told.finding,
            "report": told.report,
            "figures": told.figures,
        }));
    }
    if let Some(error) = failure {
        if !console.is_json() && !texts.is_empty() {
            console.answer(&documents, |_| texts.concat())?;
        }
        return Err(error.into());
    }
    let document = if documents.len() == 1 { documents.remove(0) } else { json!(documents) };
    console.answer(&document, |_| texts.concat())?;
    Ok(Outcome::Done)
}

/// The identities that a file lists.
fn read_ids(path: &Path) -> Result<Ids, CliError> {
    let text = std::fs::read_to_string(path).map_err(|error| CliError::Value {
        flag: "--ids",
        reason: format!("cannot read {}: {error}", path.display()),
        help: "give a file with one train_id a line, as `tailcatch status DIR --ids FILE` writes it"
            .to_owned(),
    })?;
    Ok(Ids::read(path, &text))
}

/// What an interrupt sets. A second interrupt does not wait: what is written is whole either way.
pub(super) fn interruptible(console: &Console) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(75);
        }
    });
    if let Err(error) = handler {
        console.warn(format!("interrupts cannot be caught ({error}); Ctrl-C ends the program at once"));
    }
    stop
}

/// What `work` gives under a bar of its cost; `None` where it was interrupted, which is told.
pub(super) fn under_a_bar<T>(
    console: &Console,
    name: &str,
    work: impl FnOnce(&Bar<'_>, &AtomicBool) -> Result<T, ExperimentError>,
) -> Result<Option<T>, ExperimentError> {
    let stop = interruptible(console);
    let bar = by_cost(console, name);
    match work(&bar, &stop) {
        Ok(done) => {
            bar.clear();
            Ok(Some(done))
        }
        Err(error) => {
            bar.abandon();
            if !error.is_stop() {
                return Err(error);
            }
            console.warn(format!("{error}"));
            Ok(None)
        }
    }
}

pub(super) fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
