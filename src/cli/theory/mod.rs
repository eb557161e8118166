//! `tailcatch theory`: the closed forms, for planning an audit and for checking a simulation.
//!
//! A question is a file with its `Args` and `run`, a `mod` line, a variant of `Question` and an arm of [`run`]. It fills
//! an [`Answer`], which is one JSON document and one table, so that the two never say different things.

mod adversary;
mod along;
mod answer;
mod best_of_n;
mod conditioning;
mod construction;
mod frontier;
mod laws;
mod power;
mod quantilizer;
mod records;
mod tilt;
mod window;
mod zero_shot;

use super::Outcome;
use super::console::Console;
use super::table::number as shown;
use crate::plots::chart::{self, Chart};
use crate::plots::scale::ten_to;
use answer::Answer;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Closed forms that plan an audit: how rare, how large, how soon, how many audits
///
/// No training: most answers are exact and come at once, `adversary` averages over simulated paths. Formulas stand in the library's documentation
/// (module `theory`). Masses and shares may be written as .0001, 1e-4 or 1/10000. Sizes are in standard deviations of
/// the benign reward unless a law says otherwise; KL is in nats.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch theory frontier --mass 1e-4 --kl 1\n  tailcatch theory power --mass 1e-4 \
                  --proxy 20 --rollouts 20000 --budget .001 --noise student_t:df=3"
)]
pub struct TheoryArgs {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    Frontier(frontier::FrontierArgs),
    Tilt(tilt::TiltArgs),
    Quantilizer(quantilizer::QuantilizerArgs),
    Window(window::WindowArgs),
    Power(power::PowerArgs),
    Records(records::RecordsArgs),
    ZeroShot(zero_shot::ZeroShotArgs),
    Adversary(adversary::AdversaryArgs),
    Construction(construction::ConstructionArgs),
    BestOfN(best_of_n::BestOfNArgs),
    Conditioning(conditioning::ConditioningArgs),
}

/// Runs the command.
///
/// # Errors
/// An argument outside its range, by name; a figure that cannot be written.
pub fn run(args: &TheoryArgs, console: &Console) -> Result<Outcome, crate::Error> {
    match &args.question {
        Question::Frontier(args) => frontier::run(args, console),
        Question::Tilt(args) => tilt::run(args, console),
        Question::Quantilizer(args) => quantilizer::run(args, console),
        Question::Window(args) => window::run(args, console),
        Question::Power(args) => power::run(args, console),
        Question::Records(args) => records::run(args, console),
        Question::ZeroShot(args) => zero_shot::run(args, console),
        Question::Adversary(args) => adversary::run(args, console),
        Question::Construction(args) => construction::run(args, console),
        Question::BestOfN(args) => best_of_n::run(args, console),
        Question::Conditioning(args) => conditioning::run(args, console),
    }
}

/// The figure of an answer.
#[derive(Debug, Args)]
struct PlotArgs {
    /// Also draw the answer as a line chart, into this .svg, .png or .pdf file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    plot: Option<PathBuf>,
}

/// Draws the chart where one was asked for, then prints the answer.
fn finish(
    answer: &Answer,
    plot: &PlotArgs,
    chart: impl FnOnce() -> Result<Chart, crate::Error>,
    console: &Console,
) -> Result<Outcome, crate::Error> {
    if let Some(path) = &plot.plot {
        chart::write(&chart()?, path)?;
        console.note(format!("wrote {}", path.display()));
    }
    console.answer(answer, |style| answer.text(style))?;
    Ok(Outcome::Done)
}

/// A number as people write masses: `.001`, `1e-3` or `1/1000`.
fn number(text: &str) -> Result<f64, String> {
    let part = |text: &str| text.trim().parse::<f64>().ok().filter(|x| x.is_finite());
    let value = match text.split_once('/') {
        Some((above, below)) => part(above).zip(part(below)).map(|(above, below)| above / below),
        None => part(text),
    };
    value
        .filter(|x| x.is_finite())
        .ok_or_else(|| "a number is needed, such as .001, 1e-3 or 1/1000".to_owned())
}

/// A count.
fn whole(text: &str) -> Result<u64, String> {
    let count = number(text)?;
    let fits = count >= 0.0 && count.fract() == 0.0 && count < 2f64.powi(53);
    if fits { Ok(count as u64) } else { Err("a whole number is needed".to_owned()) }
}

/// A number as short as it can be written without loss, where that is short, else with four digits.
fn brief(value: f64) -> String {
    let (plain, powered) = (format!("{value}"), format!("{value:e}"));
    let shortest = if plain.len() <= powered.len().max(6) { plain } else { powered };
    if shortest.len() <= 7 { shortest } else { shown(value) }
}

/// The same for a figure: whole powers of ten have a raised exponent.
fn raised(value: f64) -> String {
    match format!("{value:e}").split_once("1e-").map(|(before, exponent)| (before, exponent.parse::<i32>())) {
        Some(("", Ok(exponent))) if exponent > 1 => ten_to(-exponent),
        _ => brief(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_short() {
        let cases = [
            (1.0, "1"),
            (20000.0, "20000"),
            (0.05, "0.05"),
            (1e-9, "1e-9"),
            (1e7, "1e7"),
            (1.0 / 3000.0, "3.333e-4"),
        ];
        for (value, text) in cases {
            assert_eq!(brief(value), text);
        }
        assert_eq!([1e-4, 0.1, 2e-4, 1e7].map(raised), ["10⁻⁴", "0.1", "0.0002", "1e7"]);
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let cases =
            [("1e-3", 1e-3), (".5", 0.5), ("1/4000", 2.5e-4), ("50000", 5e4), ("-2", -2.0), ("3 / 4", 0.75)];
        for (text, value) in cases {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        for text in ["", "nan", "inf", "1/0", "0/0", "1e400", "1/", "a", "1%", "1/2/3"] {
            assert!(number(text).is_err(), "{text}");
        }
    }
}
