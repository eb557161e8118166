//! `tailcatch verdict`: the deciding experiment.

use super::bar::Bar;
use super::console::Console;
use super::run::{default_threads, under_a_bar};
use super::{Error as CliError, Outcome, sketch};
use crate::experiment::Options;
use crate::experiment::benchmark::Scenario;
use crate::experiment::verdict::{Sheet, together, verdict};
use crate::plots::phases;
use crate::policies::Backend;
use crate::record::verdict::Tables;
use crate::report;
use clap::Args;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// The deciding experiment: is rare reward hacking caught before it does harm?
///
/// The objection to be tested: what is rare and still drives the policy is such an outlier that whoever reads the largest rewards
/// catches it in time. Trains the grid of trainer × KL × size of the exploit, and one factor at a time apart from it, under every auditor; says of each
/// cell whether the harm is prevented by the criterion that was stated beforehand, and of each trainer up to which KL. Stopped and
/// called again, it goes on; with more replicates it trains what is new.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch verdict --quick\n  tailcatch verdict --set replicates=72 --out runs/verdict\n  tailcatch \
                  verdict my_map.toml --out runs/mine\n  tailcatch verdict --part runs/map --part runs/spokes --out runs/all"
)]
pub struct VerdictArgs {
    /// Parts of the map: experiment configs with a KL target and one exploit. Default: the standard grid
    #[arg(value_name = "CONFIG")]
    configs: Vec<PathBuf>,
    /// Run nothing, and put the tables of parts together that were run apart; repeat for each
    #[arg(long = "part", value_name = "DIR", conflicts_with_all = ["configs", "quick", "sets", "threads"], requires = "out")]
    parts: Vec<PathBuf>,
    /// In minutes: a corner of the map, fewer runs, a smaller table
    #[arg(long, conflicts_with = "configs")]
    quick: bool,
    /// Folder of the results [default: runs/verdict, or runs/verdict-quick]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Override a key of every config, for example --set replicates=72
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Worker threads [default: all cores]; results do not depend on it
    #[arg(long, short = 't', value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Let results of another binary or another kind of processor stand beside new ones; their last digits may differ
    #[arg(long)]
    allow_mixed: bool,
}

/// Runs the command.
///
/// # Errors
/// A config that is not valid, a run that failed, a folder that cannot be written.
pub fn run(args: &VerdictArgs, console: &Console) -> Result<Outcome, crate::Error> {
    if let (false, Some(out)) = (args.parts.is_empty(), &args.out) {
        return put_together(&args.parts, out, console);
    }
    let sheets: Vec<Sheet> = match args.configs.as_slice() {
        [] => Sheet::standard(args.quick, &args.sets)?,
        paths => paths
            .iter()
            .map(|path| Scenario::read(path, &args.sets).map(Sheet::own))
            .collect::<Result<_, _>>()?,
    };
    let name = if args.quick { "verdict-quick" } else { "verdict" };
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(name));
    let options = Options {
        out: out.clone(),
        threads: args.threads.map_or_else(default_threads, NonZeroUsize::get),
        fail_fast: false,
        backend: Backend::default(),
        part: Default::default(),
        allow_mixed: args.allow_mixed,
    };
    let work = |bar: &Bar<'_>, stop: &AtomicBool| verdict(&sheets, &options, bar, stop);
    let Some(reached) = under_a_bar(console, name, work)? else { return Ok(Outcome::Stopped) };
    if reached.reused > 0 {
        console.note(format!("{} of {} runs were there already", reached.reused, reached.runs));
    }
    let tables = Tables::read(&out)?;
    let mut document = written(&tables, &out)?;
    document["runs"] = reached.runs.into();
    document["reused"] = reached.reused.into();
    answer(&document, console)
}

/// Tables of parts, as one map.
fn put_together(parts: &[PathBuf], out: &Path, console: &Console) -> Result<Outcome, crate::Error> {
    let tables = parts.iter().map(|dir| Tables::read(dir)).collect::<Result<Vec<_>, _>>()?;
    let mut known: HashMap<(&str, &str), &PathBuf> = HashMap::new();
    for (part, dir) in tables.iter().zip(parts) {
        if part.cells.is_empty() {
            return Err(refused(format!("{} holds no cell of a verdict", dir.display())));
        }
        for cell in &part.cells {
            if let Some(other) = known.insert((&cell.scenario, &cell.arm), dir) {
                let (other, dir) = (other.display(), dir.display());
                return Err(refused(format!(
                    "{other} and {dir} both hold the cell {} of {}",
                    cell.arm, cell.scenario
                )));
            }
        }
    }
    std::fs::create_dir_all(out)
        .map_err(|source| CliError::Output { what: out.display().to_string(), source })?;
    let all = together(tables, out)?;
    answer(&written(&all, out)?, console)
}

fn refused(reason: String) -> crate::Error {
    let help = "give folders that `tailcatch verdict` has written, each with cells of its own".to_owned();
    CliError::Value { flag: "--part", reason, help }.into()
}

/// Draws the map and writes the page.
fn written(tables: &Tables, out: &Path) -> Result<Value, crate::Error> {
    phases::write(&tables.cells, out)?;
    let page = report::verdict::write(tables, out)?;
    Ok(json!({
        "out": out,
        "cells": tables.cells.len(),
        "page": page.html,
        "markdown": page.markdown,
        "findings": page.findings,
    }))
}

fn answer(document: &Value, console: &Console) -> Result<Outcome, crate::Error> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings: Vec<String> = document["findings"].as_array().into_iter().flatten().map(text).collect();
    let told: Vec<String> = findings.iter().map(|finding| sketch::broken(finding)).collect();
    console.answer(document, |_| format!("{}\n\npage: {}\n", told.join("\n\n"), text(&document["page"])))?;
    Ok(Outcome::Done)
}
