//! `tailcatch compare`: runs of the same arms beside each other.

use super::console::Console;
use super::sketch;
use super::table::Table;
use super::{Error as CliError, Outcome};
use crate::record::folder::RunFolder;
use crate::report::compare::{self, Difference};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Compare runs of the same arms with the first of them, replicate by replicate
///
/// Arms are the same where their labels are. Differences are paired by replicate, with 95% bootstrap intervals, where both runs have the
/// same seed; shares of damaged runs are compared by the pairs that differ (Bonett & Price's interval).
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch compare runs/before runs/after\n  tailcatch compare runs/base runs/clip runs/ensemble --json"
)]
pub struct CompareArgs {
    /// Run folders; each is compared with the first
    #[arg(required = true, num_args = 2.., value_name = "DIR")]
    runs: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A folder that cannot be read; runs without an arm in common.
pub fn run(args: &CompareArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let opened = args.runs.iter().map(|dir| RunFolder::open(dir)).collect::<Result<Vec<_>, _>>()?;
    let [first, others @ ..] = opened.as_slice() else { return Ok(Outcome::Done) };
    let mut compared: Vec<(&PathBuf, Vec<Difference>, Vec<String>)> = Vec::new();
    for (other, dir) in others.iter().zip(&args.runs[1..]) {
        let (differences, alone) = compare::compare(first, other);
        if differences.is_empty() {
            return Err(CliError::Value {
                flag: "DIR",
                reason: format!(
                    "{} and {} have no finished run of an arm in common; their arms are {} and {}",
                    first.dir.display(),
                    dir.display(),
                    labels(first),
                    labels(other)
                ),
                help: "give runs of the same config, or of configs whose sweeps share values".to_owned(),
            }
            .into());
        }
        if first.plan.semantics != other.plan.semantics {
            console.warn(format!(
                "{} was made with semantics {}, {} with {}: numbers of different semantics mean different things; run the older again",
                first.dir.display(),
                first.plan.semantics,
                dir.display(),
                other.plan.semantics
            ));
        }
        for label in &alone {
            console.note(format!("arm {label} is in one of the runs only"));
        }
        compared.push((dir, differences, alone));
    }
    let document = compared.iter().map(|(dir, differences, alone)| {
        json!({ "first": first.dir, "other": dir, "differences": differences, "not_in_both": alone })
    });
    console.answer(&json!({ "comparisons": document.collect::<Vec<_>>() }), |style| {
        let one = |(dir, differences, _): &(&PathBuf, Vec<Difference>, Vec<String>)| {
            let rows = compare::table(differences);
            let rows_of_all = rows.title;
            let numbers = |head: &String| !["arm", "number", "status"].contains(&head.as_str());
            let aligned = |head: &String| if numbers(head) { format!(">{head}") } else { head.clone() };
            let heads: Vec<String> = rows.header.iter().map(aligned).collect();
            let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
            let mut table = Table::new(&heads).within(sketch::columns());
            rows.rows.into_iter().for_each(|row| table.row(row));
            let all = if rows_of_all.is_empty() { String::new() } else { format!("All: {rows_of_all}\n") };
            format!(
                "{}\n{}{all}",
                style.bold(format!("{} less {}", dir.display(), first.dir.display())),
                table.render(style)
            )
        };
        compared.iter().map(one).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Outcome::Done)
}

fn labels(run: &RunFolder) -> String {
    let labels: Vec<String> = run.plan.arms.iter().take(4).map(|arm| run.label(arm.arm)).collect();
    let more = if run.plan.arms.len() > 4 { ", …" } else { "" };
    format!("{}{more}", labels.join(", "))
}
