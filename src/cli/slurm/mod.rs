//! `tailcatch slurm`: an experiment as an array of jobs on a cluster.

mod submit;

use super::console::Console;
use super::finish::names;
use super::run::interruptible;
use super::{Error as CliError, Outcome, merge};
use crate::config::{self, Loaded, SlurmSection};
use crate::experiment::slurm::{Job, MOST_SHARDS, SlurmError, script};
use crate::experiment::{self, Lenience, Options, cost};
use crate::policies::Backend;
use clap::Args;
use serde_json::json;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Processor time that a task is given where nobody says how many there are, in seconds.
const TASK: f64 = 1800.0;

/// Print a script that runs an experiment on Slurm, or submit it and see it through
///
/// The script is an array of shards that put themselves back into the queue a bounded number of times; its first task submits the merge,
/// which begins when all have ended. It prints only, and touches no file. With --submit the array is submitted and watched, what is
/// missing when it has ended is submitted again, exactly that, and then the tables are made here. The run folder must lie where all
/// nodes see it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch slurm sweep.toml --time 02:00:00 > sweep.sbatch && sbatch sweep.sbatch\n  tailcatch slurm sweep.toml \
                  --shards 200 --partition main --submit"
)]
pub struct SlurmArgs {
    /// Experiment config (TOML); its [slurm] section has a key for each flag here
    config: PathBuf,
    /// Run folder [default: runs/<config name>]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Override a key, as for `run`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Tasks of the array, at most 1001 [default: so many that each takes about half an hour]
    #[arg(long, value_name = "N")]
    shards: Option<NonZeroUsize>,
    /// Processors of a task [default: 1]
    #[arg(long, value_name = "N")]
    cpus: Option<NonZeroUsize>,
    /// Memory of a task, as 4G
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Time of a task, as 04:00:00
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Partition
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// Account that is charged
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// How often a task that failed is put back into the queue [default: 3]
    #[arg(long, value_name = "N")]
    requeues: Option<u32>,
    /// A further option of sbatch, as --option=--qos=long; repeat for more
    #[arg(long = "option", value_name = "OPTION")]
    options: Vec<String>,
    /// Let results of several kinds of processor stand together; their last digits may differ
    #[arg(long)]
    allow_mixed: bool,
    /// Submit the array, watch it, submit again what is missing, then make the tables
    #[arg(long)]
    submit: bool,
}

/// Runs the command.
///
/// # Errors
/// A config with faults; a value that sbatch would misread; Slurm that refuses; runs that are missing at the end.
pub fn run(args: &SlurmArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let loaded = config::load(&args.config, &args.sets)?;
    let name = names(std::slice::from_ref(&args.config), "CONFIG")?.remove(0);
    let asked = args.asked(&loaded.document.slurm);
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(&name));
    let job = args.job(&loaded, name.clone(), &out, &asked)?;
    let text = script(&job, &asked).map_err(refused)?;
    if !args.submit {
        console.answer(&json!({ "script": text, "shards": job.shards, "out": out }), |_| text.clone())?;
        return Ok(Outcome::Done);
    }
    let options = Options {
        out: out.clone(),
        threads: asked.cpus.get(),
        fail_fast: false,
        backend: Backend::default(),
        part: Default::default(),
        allow_mixed: args.allow_mixed,
    };
    submit::reachable()?;
    let stop = interruptible(console);
    let submitted = || -> Result<Outcome, crate::Error> {
        experiment::prepare(&loaded, &name, &options, &stop)?;
        if !submit::see_through(&job, &asked, &out, &stop, console)? {
            return Ok(Outcome::Stopped);
        }
        // Runs that failed on every try take no other down.
        let lenience = Lenience { partial: true, mixed: args.allow_mixed };
        Ok(match merge::put_together(std::slice::from_ref(&out), &out, lenience, &stop, console)? {
            (runs, finished) if finished < runs => Outcome::Failed,
            _ => Outcome::Done,
        })
    };
    match submitted() {
        Err(crate::Error::Experiment(error)) if error.is_stop() => {
            console.warn(error);
            Ok(Outcome::Stopped)
        }
        ended => ended,
    }
}

fn refused(error: SlurmError) -> CliError {
    CliError::Value {
        flag: "slurm",
        reason: error.to_string(),
        help: "change the flag, or the key of [slurm] in the config".to_owned(),
    }
}

impl SlurmArgs {
    /// What the config asks for, where no flag says otherwise.
    fn asked(&self, section: &SlurmSection) -> SlurmSection {
        let either = |flag: &Option<String>, key: &Option<String>| flag.clone().or_else(|| key.clone());
        SlurmSection {
            shards: self.shards.or(section.shards),
            cpus: self.cpus.unwrap_or(section.cpus),
            memory: either(&self.memory, &section.memory),
            time: either(&self.time, &section.time),
            partition: either(&self.partition, &section.partition),
            account: either(&self.account, &section.account),
            requeues: self.requeues.unwrap_or(section.requeues),
            options: [section.options.clone(), self.options.clone()].concat(),
        }
    }

    fn job(&self, loaded: &Loaded, name: String, out: &Path, asked: &SlurmSection) -> Result<Job, CliError> {
        let runs: u64 = loaded.arms.iter().map(|arm| arm.document.replicates.get()).sum();
        let most = usize::try_from(runs).unwrap_or(usize::MAX).clamp(1, MOST_SHARDS);
        let wanted = (cost(loaded).cpu_seconds / TASK / asked.cpus.get() as f64).ceil();
        let shards = asked.shards.map_or((wanted as usize).clamp(1, most), NonZeroUsize::get);
        let text = |path: &Path| {
            path.to_str().map(str::to_owned).ok_or_else(|| CliError::Value {
                flag: "slurm",
                reason: format!("{} is not UTF-8, and stands in a script", path.display()),
                help: "give a path of plain characters".to_owned(),
            })
        };
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("tailcatch"));
        let mut run = vec![text(&self.config)?];
        for set in &self.sets {
            run.extend(["--set".to_owned(), set.clone()]);
        }
        Ok(Job {
            name,
            program: text(&program)?,
            run,
            out: text(out)?,
            allow_mixed: self.allow_mixed,
            shards: NonZeroUsize::new(shards).unwrap_or(NonZeroUsize::MIN),
        })
    }
}
