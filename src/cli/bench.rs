//! `tailcatch bench`: the catch-rate benchmark of outlier detection.

use super::bar::Bar;
use super::console::{Console, Style};
use super::run::{default_threads, under_a_bar};
use super::sketch::{self, Line};
use super::table::Table;
use super::{Error as CliError, Outcome, spec};
use crate::detectors::DetectorSpec;
use crate::experiment::Options;
use crate::experiment::benchmark::{Scenario, bench, every_detector};
use crate::plots::prevention;
use crate::policies::Backend;
use crate::record::benchmark::Tables;
use crate::record::endpoint::{HarmRow, NONE};
use crate::report::leaderboard;
use clap::Args;
use serde_json::json;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// The benchmark: what audits prevent, how detectors rank, and what alarms cost
///
/// Trains policies on scenarios of reward hacking, each under every audit, and writes a leaderboard (HTML, Markdown, CSV) of three
/// tables that are never mixed: the harm that is left under each audit, beside no audit and a placebo; how each detector ranks hacks, as a
/// paired difference to the reward itself and beside chance and an oracle; and false alarms. Stopped and called again, it goes on.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch bench --quick\n  tailcatch bench --out runs/bench\n  tailcatch bench \
                  my_scenario.toml --detector top_reward --detector robust_z"
)]
pub struct BenchArgs {
    /// Scenarios: experiment configs. Default: the standard ones
    #[arg(value_name = "CONFIG")]
    configs: Vec<PathBuf>,
    /// In a minute: four of the standard scenarios, few replicates
    #[arg(long, conflicts_with = "configs")]
    quick: bool,
    /// Folder of the results [default: runs/bench, or runs/bench-quick]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A detector, with settings as `gpd_tail:tail_fraction=0.05`; repeat for more. Default: every one with its defaults
    #[arg(long, short, value_name = "D")]
    detector: Vec<String>,
    /// Override a key of every scenario, for example --set replicates=48
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
/// A scenario or detector that is not valid, a run that failed, a folder that cannot be written.
pub fn run(args: &BenchArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let detectors = match args.detector.as_slice() {
        [] => every_detector(),
        named => {
            let mut chosen = named
                .iter()
                .map(|text| spec::part(text, "detector", DetectorSpec::PARTS))
                .collect::<Result<Vec<DetectorSpec>, CliError>>()?;
            if let Some(twice) = (1..chosen.len()).find(|&at| chosen[..at].contains(&chosen[at])) {
                return Err(CliError::Value {
                    flag: "--detector",
                    reason: format!("`{}` is named twice", named[twice]),
                    help: "name each detector once; one with other settings is another".to_owned(),
                }
                .into());
            }
            // The yardstick and the floor are in every table.
            for control in every_detector() {
                let needed = matches!(control, DetectorSpec::TopReward(_) | DetectorSpec::Random(_));
                if needed && !chosen.contains(&control) {
                    chosen.push(control);
                }
            }
            chosen
        }
    };
    let scenarios: Vec<Scenario> = match args.configs.as_slice() {
        [] => Scenario::standard(args.quick, &args.sets)?,
        paths => paths.iter().map(|path| Scenario::read(path, &args.sets)).collect::<Result<_, _>>()?,
    };
    let scenarios: Vec<Scenario> =
        scenarios.into_iter().map(|scenario| scenario.judged_by(&detectors)).collect();
    let name = if args.quick { "bench-quick" } else { "bench" };
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(name));
    let options = Options {
        out: out.clone(),
        threads: args.threads.map_or_else(default_threads, NonZeroUsize::get),
        fail_fast: false,
        backend: Backend::default(),
        part: Default::default(),
        allow_mixed: args.allow_mixed,
    };
    let work = |bar: &Bar<'_>, stop: &AtomicBool| bench(&scenarios, &options, bar, stop);
    let Some(done) = under_a_bar(console, name, work)? else { return Ok(Outcome::Stopped) };
    if done.reused > 0 {
        console.note(format!("{} of {} runs were there already", done.reused, done.runs));
    }
    let tables = Tables::read(&out)?;
    prevention::write(&tables.harm, &out)?;
    let page = leaderboard::write(&tables, &out)?;
    let document = json!({
        "out": out,
        "runs": done.runs,
        "reused": done.reused,
        "leaderboard": page.html,
        "markdown": page.markdown,
        "findings": page.findings,
        "guards_failed": tables.guards.iter().filter(|guard| !guard.held).count(),
    });
    console.answer(&document, |style| {
        let lines: Vec<Line> =
            tables.harm.iter().filter(|row| row.is_headline()).filter_map(harmed).collect();
        let drawn = sketch::intervals(
            "Damaged runs where what is found is removed at once, 95% intervals",
            &lines,
            sketch::columns(),
        );
        let said: Vec<String> = page.findings.iter().map(|finding| sketch::broken(finding)).collect();
        let table = harm(&tables.harm, style);
        format!("{}\n\n{table}\n{drawn}\nleaderboard: {}\n", said.join("\n"), page.html.display())
    })?;
    Ok(Outcome::Done)
}

/// Most cells that are listed.
const MAX_CELLS: usize = 24;

/// Damaged runs of each cell where nobody audits, and under the audit of the headline.
fn harm(rows: &[HarmRow], style: Style) -> String {
    let mut table = Table::new(&["cell", ">nobody audits", ">removed at once"]).within(sketch::columns());
    let shown = |row: Option<&HarmRow>| {
        let share = row.and_then(|row| Some((row.damaged_rate?, row.damaged_low?, row.damaged_high?)));
        let percent = |x: f64| format!("{:.0}", 100.0 * x);
        share.map_or_else(
            || "–".to_owned(),
            |(rate, low, high)| format!("{}% [{}, {}]", percent(rate), percent(low), percent(high)),
        )
    };
    let cells: Vec<&HarmRow> = rows.iter().filter(|row| row.is_headline()).collect();
    for row in cells.iter().take(MAX_CELLS) {
        let alone = rows
            .iter()
            .find(|other| other.role == NONE && other.scenario == row.scenario && other.arm == row.arm);
        table.row([format!("{} · {}", row.scenario, row.arm), shown(alone), shown(Some(*row))]);
    }
    let rest = cells.len().saturating_sub(MAX_CELLS);
    let rest =
        if rest > 0 { format!("and {rest} further cells on the leaderboard\n") } else { String::new() };
    format!("Damaged runs, 95% intervals\n{}{rest}", table.render(style))
}

fn harmed(row: &HarmRow) -> Option<Line> {
    let name = format!("{} · {}", row.scenario, row.arm);
    Some(Line { name, value: row.damaged_rate?, ends: row.damaged_low.zip(row.damaged_high) })
}
