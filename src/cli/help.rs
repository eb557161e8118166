//! What `tailcatch --help` tells: the commands by what they are for, an example each; and how usage is kept narrow.

use super::Cli;
use clap::{Command, CommandFactory};
use std::ffi::OsString;

/// Columns of a line of usage, and what stands before it: `Usage: `.
const WIDTH: usize = 80;
const HEADING: usize = 7;

/// Help, or why a command line cannot be read, as clap says it, with its usage in lines that fit; nothing where it can be read.
pub(super) fn refusal(arguments: &[OsString]) -> Option<clap::Error> {
    let mut command = Cli::command();
    // Names a command by those above it.
    command.build();
    narrow(command).try_get_matches_from(arguments).err()
}

/// The command, with its usage and that of those below it broken where it does not fit: clap leaves it in one line.
fn narrow(mut command: Command) -> Command {
    let usage = command.render_usage().ansi().to_string();
    let usage = usage.split_once(' ').map_or("", |(_, usage)| usage);
    let command = match broken(usage) {
        lines if lines.len() > 1 => command.override_usage(lines.join(&format!("\n{:HEADING$}", ""))),
        _ => command,
    };
    command.mut_subcommands(narrow)
}

/// A line of usage in lines that fit behind the heading; an option stays with its value.
fn broken(usage: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut held: Option<&str> = None;
    let mut add = |piece: &str| match lines.last_mut() {
        Some(line) if HEADING + columns(line) + 1 + columns(piece) <= WIDTH => {
            line.push(' ');
            line.push_str(piece);
        }
        _ => lines.push(piece.to_owned()),
    };
    for word in usage.split_whitespace() {
        match held.take() {
            Some(option) if plain(word).starts_with('<') => add(&format!("{option} {word}")),
            Some(option) => {
                add(option);
                held = Some(word);
            }
            None => held = Some(word),
        }
    }
    held.into_iter().for_each(add);
    lines
}

fn columns(text: &str) -> usize {
    plain(text).chars().count()
}

/// The text without the escapes that colour it.
fn plain(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |out, piece| out + piece.split_once('m').map_or("", |(_, rest)| rest))
}

/// The page of the whole program. Commands of the laboratory stand where it is built in.
#[cfg(feature = "lab")]
pub(super) const TEMPLATE: &str = concat!(
    "{about-with-newline}\n{usage-heading} {usage}\n\n",
    "Your own logs\n",
    "  detect       which rollouts to read, and whether anything stands apart\n",
    "                 tailcatch detect rollouts.csv --reward score\n",
    "  watch        the same for a log that grows\n",
    "                 tailcatch watch runs/rollouts --jsonl\n",
    "  diagnose     is this reward heavy-tailed?\n",
    "                 tailcatch diagnose rollouts.csv --plot tail.svg\n",
    "  spike        which exploit would have been caught, had there been one\n",
    "                 tailcatch spike rollouts.csv\n",
    "  curve        step means: trend, spread, reward against an evaluation\n",
    "                 tailcatch curve wandb_history.csv\n\n",
    "Plan an audit\n",
    "  theory       closed forms: how large an exploit must be, what an audit sees\n",
    "                 tailcatch theory frontier --mass 1e-4 --kl .1\n\n",
    "Experiments\n",
    "  init         a commented config to start from\n",
    "                 tailcatch init mine --trainer grpo --sweep kl\n",
    "  check        its faults, its plan and what it costs\n",
    "                 tailcatch check mine.toml\n",
    "  run          train, audit, draw, report\n",
    "                 tailcatch run mine.toml --set replicates=16\n",
    "  status       what of a run is finished, missing or damaged\n",
    "                 tailcatch status runs/mine --ids missing.txt\n",
    "  merge        tables of parts that were run apart, with --shard\n",
    "                 tailcatch merge runs/mine\n",
    "  slurm        the same on a cluster\n",
    "                 tailcatch slurm mine.toml --submit\n",
    "  bench        every detector on every scenario: a leaderboard\n",
    "                 tailcatch bench --quick\n",
    "  verdict      the deciding experiment\n",
    "                 tailcatch verdict --quick\n\n",
    "Figures and reports\n",
    "  plot         the figures of a run, in print, slide or screen size\n",
    "                 tailcatch plot runs/mine --size column --format pdf\n",
    "  report       its page, again\n",
    "                 tailcatch report runs/mine\n",
    "  fit          curves of over-optimisation, of a run or of your own checkpoints\n",
    "                 tailcatch fit runs/mine\n",
    "  compare      runs beside each other, replicate by replicate\n",
    "                 tailcatch compare runs/before runs/after\n",
    "  regimes      hypotheses about a verdict and runs, on one page\n",
    "                 tailcatch regimes runs/verdict runs/zero_shot\n",
    "  gallery      the figures of several runs under one index\n",
    "                 tailcatch gallery runs/mine --out plots\n\n",
    "Look up\n",
    "  list         every part with one line and its source\n",
    "                 tailcatch list detectors\n",
    "  schema       JSON Schema of configs, for editors\n",
    "                 tailcatch schema > tailcatch.schema.json\n",
    "  completions  for your shell\n",
    "                 tailcatch completions bash\n",
    "  man          manual pages\n",
    "                 tailcatch man pages\n",
    "  help         of a command\n",
    "                 tailcatch help detect\n\n",
    "{options}{after-help}"
);

/// The page of the judge alone.
#[cfg(not(feature = "lab"))]
pub(super) const TEMPLATE: &str =
    "{about-with-newline}\n{usage-heading} {usage}\n\nCommands:\n{subcommands}\n\n{options}{after-help}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_broken_between_its_parts_and_an_option_stays_with_its_value() {
        let short = "tailcatch detect [OPTIONS] <LOG>...";
        assert_eq!(broken(short), [short]);
        let long = format!("tailcatch theory power [OPTIONS]{}", " --size <SIZE>".repeat(8));
        let lines = broken(&long);
        assert_eq!(lines.join(" "), long);
        assert!(lines.len() == 3 && lines.iter().all(|line| HEADING + line.len() <= WIDTH), "{lines:?}");
        assert!(lines[1..].iter().all(|line| line.starts_with("--size <")), "{lines:?}");
    }

    #[test]
    fn escapes_take_no_room() {
        assert_eq!(plain("\u{1b}[1m\u{1b}[4mUsage:\u{1b}[0m a"), "Usage: a");
        let bold = format!("\u{1b}[1mtailcatch\u{1b}[0m{}", " \u{1b}[1m--a\u{1b}[0m <A>".repeat(7));
        assert_eq!(broken(&bold).len(), 1);
    }
}
