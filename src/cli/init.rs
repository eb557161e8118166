//! `tailcatch init`: a commented config to start from.

use super::console::Console;
use super::{Error, Outcome, spec};
use crate::config::{self, SWEEPS, TRAINERS, Wishes};
use crate::distributions::DistributionSpec;
use clap::Args;
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Write a commented config that runs as it stands
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch init mine\n  tailcatch init heavy --trainer grpo --error student_t:df=3 --sweep kl"
)]
pub struct InitArgs {
    /// Name of the experiment; the file is NAME.toml in this folder
    name: String,
    /// Trainer to start with [default: reinforce]
    #[arg(long, value_name = "TRAINER", value_parser = TRAINERS)]
    trainer: Option<String>,
    /// Law of the reward model's error, with settings as `student_t:df=3`
    #[arg(long, value_name = "LAW")]
    error: Option<String>,
    /// What is swept; repeat for more [default: tail and kl, or kl where --error is given]
    #[arg(long = "sweep", value_name = "KEY", value_parser = SWEEPS)]
    sweeps: Vec<String>,
}

/// Runs the command. An existing file is never overwritten.
pub fn run(args: &InitArgs, console: &Console) -> Result<Outcome, Error> {
    let name = args.name.strip_suffix(".toml").unwrap_or(&args.name);
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
        return Err(Error::Value {
            flag: "NAME",
            reason: format!("`{}` is no name for a file of this folder", args.name),
            help: "use letters, digits, - and _ only".to_owned(),
        });
    }
    let error = args
        .error
        .as_deref()
        .map(|text| spec::part::<DistributionSpec>(text, "distribution", DistributionSpec::PARTS));
    let wishes = Wishes {
        trainer: args.trainer.clone(),
        error: error.transpose()?.map(|law| inline(&law)).transpose()?,
        sweeps: args.sweeps.clone(),
    };
    let text = config::tailored(name, &wishes);
    let file = format!("{name}.toml");
    let written =
        OpenOptions::new().write(true).create_new(true).open(Path::new(&file)).and_then(|mut own| {
            // Half a config is none.
            own.write_all(text.as_bytes()).inspect_err(|_| drop(fs::remove_file(&file)))
        });
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Error::Value {
                flag: "NAME",
                reason: format!("{file} is there already"),
                help: "choose another name, or remove the file first".to_owned(),
            });
        }
        Err(source) => return Err(Error::Output { what: file, source }),
    }
    console.answer(&json!({ "file": file }), |_| {
        format!("{file} is written; run it with `tailcatch run {file}`")
    })?;
    Ok(Outcome::Done)
}

/// A law as a value of TOML on one line.
fn inline(law: &DistributionSpec) -> Result<String, Error> {
    let wrong = |reason: String| Error::Value {
        flag: "--error",
        reason,
        help: "write a law of `tailcatch list distributions`, as student_t:df=3".to_owned(),
    };
    toml::Value::try_from(law).map(|value| value.to_string()).map_err(|error| wrong(error.to_string()))
}
