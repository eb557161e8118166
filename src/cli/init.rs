//! `tailcatch init`: a commented config to start from.

use super::console::Console;
use super::{Error, Outcome};
use crate::config;
use clap::Args;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Write a commented config that runs as it stands
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Name of the experiment; the file is NAME.toml in this folder
    name: String,
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
    let file = format!("{name}.toml");
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(Path::new(&file))
        .and_then(|mut f| f.write_all(config::template(name).as_bytes()));
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
