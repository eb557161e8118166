//! `tailcatch check`: everything that can be known of a config before it runs.

use super::Outcome;
use super::console::Console;
use super::sketch;
use super::table::{Table, count};
use crate::config::{self, Loaded, ObservedRuns};
use crate::experiment::{self, Cost};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Check a config and print its plan: arms, runs, estimated cost
///
/// All faults are reported at once, with the place in the file and the nearest known key.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Experiment config (TOML)
    config: PathBuf,
    /// Override a key, as for `run`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

/// Runs the command.
pub fn run(args: &CheckArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let loaded = config::load(&args.config, &args.sets)?;
    let cost = experiment::cost(&loaded);
    let runs = loaded.arms.iter().map(|arm| arm.document.replicates.get()).sum::<u64>();
    let gaps = experiment::gaps(&loaded);
    let cautions = experiment::cautions(&loaded);
    let expectations: usize = loaded.document.expect.iter().map(|e| e.comparisons(&loaded.arms)).sum();
    let document = json!({
        "question": loaded.document.question,
        "sweep_keys": loaded.sweep_keys,
        "arms": loaded.arms.iter().map(|arm| &arm.values).collect::<Vec<_>>(),
        "runs": runs,
        "rollouts": cost.rollouts,
        "cpu_seconds": cost.cpu_seconds,
        "disk_bytes": cost.disk_bytes,
        "observed_bytes": cost.observed_bytes,
        "expectations": expectations,
        "not_to_be_met": gaps,
        "cautions": cautions,
    });
    console.answer(&document, |style| {
        format!(
            "{}\n\n{}\n{}",
            style.bold(sketch::broken(&loaded.document.question)),
            arms(&loaded, style),
            plan(runs, &cost, &loaded)
        )
    })?;
    for gap in gaps {
        let arm = gap.arm.map_or(String::new(), |arm| format!("arm {arm}, "));
        console.warn(format!("[[expect]] {arm}{}: {}", gap.metric, gap.problem));
    }
    for caution in cautions {
        console.warn(caution);
    }
    Ok(Outcome::Done)
}

fn arms(loaded: &Loaded, style: super::console::Style) -> String {
    let mut table = Table::new(&[">arm", ">replicates", "swept values"]).within(sketch::columns());
    for arm in &loaded.arms {
        let values: Vec<String> = loaded
            .sweep_keys
            .iter()
            .zip(&arm.values)
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        let values = if values.is_empty() { "nothing is swept".to_owned() } else { values.join(", ") };
        table.row([arm.index.to_string(), arm.document.replicates.to_string(), values]);
    }
    table.render(style)
}

fn plan(runs: u64, cost: &Cost, loaded: &Loaded) -> String {
    let keeps_all = loaded.arms.iter().any(|arm| arm.document.record.observed == ObservedRuns::All);
    // What is set already is no advice.
    let advice = match keeps_all {
        true => "\"first\" keeps those of the first replicate, \"none\" none",
        false => "\"none\" keeps none",
    };
    let observed = match cost.observed_bytes {
        0 => String::new(),
        bytes => format!(
            ", {:.0} MB of them rollouts one by one ([record] observed = {advice})",
            bytes as f64 / 1e6
        ),
    };
    let text = format!(
        "{} runs and their clean twins: {} rollouts, about {:.0} CPU-seconds, about {:.0} MB of records{observed}",
        count(runs as usize),
        count(cost.rollouts as usize),
        cost.cpu_seconds,
        cost.disk_bytes as f64 / 1e6
    );
    sketch::broken(&text) + "\n"
}
