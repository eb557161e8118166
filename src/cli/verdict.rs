//! `tailcatch verdict`: the deciding experiment.

use super::Outcome;
use super::bar::Bar;
use super::console::Console;
use super::run::{default_threads, under_a_bar};
use crate::experiment::Options;
use crate::experiment::benchmark::Scenario;
use crate::experiment::verdict::{Sheet, verdict};
use crate::plots::phases;
use crate::policies::Backend;
use crate::record::verdict::Tables;
use crate::report;
use clap::Args;
use serde_json::json;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// The deciding experiment: does the objection hold, for which trainer, and where?
///
/// Trains the grid of trainer × KL × size of the exploit, and one factor at a time apart from it, under every auditor; says of each
/// cell whether the harm is prevented by the criterion that was stated beforehand, and of each trainer up to which KL. Stopped and
/// called again, it goes on; with more replicates it trains what is new.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch verdict --quick\n  tailcatch verdict --set replicates=72 --out runs/verdict\n  tailcatch \
                  verdict my_map.toml --out runs/mine"
)]
pub struct VerdictArgs {
    /// Parts of the map: experiment configs with a KL target and one exploit. Default: the standard grid
    #[arg(value_name = "CONFIG")]
    configs: Vec<PathBuf>,
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
    phases::write(&tables.cells, &out)?;
    let page = report::verdict::write(&tables, &out)?;
    let document = json!({
        "out": out,
        "cells": reached.cells,
        "runs": reached.runs,
        "reused": reached.reused,
        "page": page.html,
        "markdown": page.markdown,
        "findings": page.findings,
    });
    console
        .answer(&document, |_| format!("{}\npage: {}\n", page.findings.join("\n"), page.html.display()))?;
    Ok(Outcome::Done)
}
