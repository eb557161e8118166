//! `tailcatch list`: every part, with one line on what it is and where it comes from.

use super::console::Console;
use super::table::Table;
use super::{Error, Outcome};
use crate::detectors::DetectorSpec;
use crate::distributions::DistributionSpec;
#[cfg(feature = "lab")]
use crate::environments::EnvironmentSpec;
#[cfg(feature = "lab")]
use crate::experiment::closed_forms;
use crate::foundation::registry::Part;
#[cfg(feature = "lab")]
use crate::policies::PolicySpec;
use crate::thresholds::MonitorSpec;
#[cfg(feature = "lab")]
use crate::trainers::TrainerSpec;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Map, Value, json};

/// Kinds of parts. A new registry is a row here.
const KINDS: &[(&str, &[Part])] = &[
    ("distributions", DistributionSpec::PARTS),
    ("detectors", DetectorSpec::PARTS),
    ("monitors", MonitorSpec::PARTS),
    #[cfg(feature = "lab")]
    ("environments", EnvironmentSpec::PARTS),
    #[cfg(feature = "lab")]
    ("policies", PolicySpec::PARTS),
    #[cfg(feature = "lab")]
    ("trainers", TrainerSpec::PARTS),
    #[cfg(feature = "lab")]
    ("closed_forms", &closed_forms::PARTS),
];

/// Every part with one line and its source
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this kind of part
    #[arg(value_parser = PossibleValuesParser::new(KINDS.iter().map(|(kind, _)| *kind)))]
    kind: Option<String>,
}

/// Runs the command.
pub fn run(args: &ListArgs, console: &Console) -> Result<Outcome, Error> {
    let chosen = || KINDS.iter().filter(|(kind, _)| args.kind.as_deref().is_none_or(|only| only == *kind));
    let document: Map<String, Value> = chosen()
        .map(|(kind, parts)| {
            let parts = parts
                .iter()
                .map(|part| json!({ "name": part.name, "summary": part.summary, "source": part.source }));
            ((*kind).to_owned(), parts.collect())
        })
        .collect();
    console.answer(&document, |style| {
        let sections = chosen().map(|(kind, parts)| {
            let mut table = Table::new(&["name", "what it is"]);
            for part in *parts {
                table.row([part.name.to_owned(), format!("{} ({})", part.summary, part.source)]);
            }
            format!("{}\n{}", style.bold(kind.to_uppercase()), table.render(style))
        });
        sections.collect::<Vec<_>>().join("\n")
    })?;
    Ok(Outcome::Done)
}
