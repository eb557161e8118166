//! `tailcatch list`: every part, with one line on what it is and where it comes from, its settings and what it needs.

use super::console::{Console, Style};
use super::table::Table;
use super::{Error, Outcome};
use crate::audit::{AuditorSpec, ResponseSpec};
#[cfg(feature = "lab")]
use crate::deployment::ShiftSpec;
use crate::detectors::{Access, DetectorSpec};
use crate::distributions::DistributionSpec;
#[cfg(feature = "lab")]
use crate::environments::EnvironmentSpec;
#[cfg(feature = "lab")]
use crate::experiment::closed_forms;
use crate::foundation::registry::{Part, Setting};
use crate::metrics::oracle;
use crate::monitor::deployed::WatchSpec;
#[cfg(feature = "lab")]
use crate::policies::PolicySpec;
use crate::thresholds::MonitorSpec;
#[cfg(feature = "lab")]
use crate::trainers::TrainerSpec;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Columns a line may take.
const WIDTH: usize = 80;

/// A kind of parts.
struct Kind {
    name: &'static str,
    parts: fn() -> Vec<Part>,
    /// The settings of a part.
    settings: fn(&str) -> Vec<Setting>,
    /// What a part does, at length.
    description: fn(&str) -> String,
    /// Columns of rollouts that a part needs beside the proxy reward, with its defaults.
    needs: fn(&str) -> Vec<String>,
}

/// A row of [`KINDS`] for a registry.
macro_rules! registered {
    ($name:literal, $spec:ident, $needs:expr) => {
        Kind {
            name: $name,
            parts: || $spec::PARTS.to_vec(),
            settings: $spec::settings,
            description: $spec::description,
            needs: $needs,
        }
    };
}

/// Kinds of parts. A new registry is a row here.
const KINDS: &[Kind] = &[
    registered!("distributions", DistributionSpec, nothing),
    registered!("detectors", DetectorSpec, detector_needs),
    Kind {
        name: "controls",
        parts: controls,
        settings: DetectorSpec::settings,
        description: control_description,
        needs: control_needs,
    },
    registered!("monitors", MonitorSpec, monitor_needs),
    registered!("deployment_monitors", WatchSpec, deployment_needs),
    registered!("auditors", AuditorSpec, nothing),
    registered!("responses", ResponseSpec, nothing),
    #[cfg(feature = "lab")]
    registered!("environments", EnvironmentSpec, nothing),
    #[cfg(feature = "lab")]
    registered!("policies", PolicySpec, nothing),
    #[cfg(feature = "lab")]
    registered!("trainers", TrainerSpec, nothing),
    #[cfg(feature = "lab")]
    registered!("shifts", ShiftSpec, nothing),
    #[cfg(feature = "lab")]
    Kind {
        name: "closed_forms",
        parts: || closed_forms::PARTS.to_vec(),
        settings: |_| Vec::new(),
        description: |name| closed_forms::formula(name).to_owned(),
        needs: nothing,
    },
];

fn nothing(_: &str) -> Vec<String> {
    Vec::new()
}

/// The part of this name, with its defaults.
fn by_default<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(json!({ name: {} })).ok()
}

fn detector_needs(name: &str) -> Vec<String> {
    by_default::<DetectorSpec>(name).map_or_else(Vec::new, |spec| spec.part().needs())
}

fn monitor_needs(name: &str) -> Vec<String> {
    let needs = by_default::<MonitorSpec>(name).map_or(&[][..], |spec| spec.part().needs());
    needs.iter().map(|name| (*name).to_owned()).collect()
}

fn deployment_needs(name: &str) -> Vec<String> {
    let observer = by_default::<WatchSpec>(name).map(|spec| spec.part().observer());
    observer.map_or(&[][..], |observer| observer.columns()).iter().map(|name| (*name).to_owned()).collect()
}

/// What a detector is held against: those that look at nothing, and the one that looks at the truth.
fn controls() -> Vec<Part> {
    let blind = |part: &&Part| {
        by_default(part.name).is_some_and(|spec: DetectorSpec| spec.part().access() == Access::Control)
    };
    DetectorSpec::PARTS.iter().filter(blind).copied().chain([oracle::ORACLE]).collect()
}

fn control_description(name: &str) -> String {
    if name == oracle::ORACLE.name { oracle::DESCRIPTION.to_owned() } else { DetectorSpec::description(name) }
}

fn control_needs(name: &str) -> Vec<String> {
    if name == oracle::ORACLE.name {
        return oracle::NEEDS.map(str::to_owned).into();
    }
    detector_needs(name)
}

/// Every part with one line and its source, its settings and the columns of rollouts that it needs
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this kind of part
    #[arg(value_parser = PossibleValuesParser::new(KINDS.iter().map(|kind| kind.name)))]
    kind: Option<String>,
}

/// What is said of a part.
#[derive(Serialize)]
struct Entry {
    name: &'static str,
    summary: &'static str,
    source: &'static str,
    description: String,
    settings: Vec<Setting>,
    needs: Vec<String>,
}

impl Kind {
    fn entries(&self) -> Vec<Entry> {
        let entry = |Part { name, summary, source }: Part| Entry {
            name,
            summary,
            source,
            description: (self.description)(name),
            settings: (self.settings)(name),
            needs: (self.needs)(name),
        };
        (self.parts)().into_iter().map(entry).collect()
    }
}

/// Runs the command.
pub fn run(args: &ListArgs, console: &Console) -> Result<Outcome, Error> {
    let chosen = KINDS.iter().filter(|kind| args.kind.as_deref().is_none_or(|only| only == kind.name));
    let kinds: Vec<(&str, Vec<Entry>)> = chosen.map(|kind| (kind.name, kind.entries())).collect();
    let document: Map<String, Value> =
        kinds.iter().map(|(kind, entries)| ((*kind).to_owned(), json!(entries))).collect();
    console.answer(&document, |style| {
        let sections = kinds.iter().map(|(kind, entries)| section(kind, entries, style));
        sections.collect::<Vec<_>>().join("\n")
    })?;
    Ok(Outcome::Done)
}

fn section(kind: &str, entries: &[Entry], style: Style) -> String {
    let mut table = Table::new(&["name", "what it is"]).within(WIDTH);
    for entry in entries {
        // What has no source says in its place what it is.
        let source = entry.source.strip_prefix("none: ").unwrap_or(entry.source);
        table.row([entry.name.to_owned(), format!("{} ({source})", entry.summary)]);
        let mut more = |what: &str, items: Vec<String>| {
            if !items.is_empty() {
                table.row([String::new(), format!("{what}: {}", items.join(", "))]);
            }
        };
        more("settings", entry.settings.iter().map(with_default).collect());
        more("needs", entry.needs.clone());
    }
    format!("{}\n{}", style.bold(kind.to_uppercase()), table.render(style))
}

/// `tail_fraction=0.05` as on the command line; the key alone where it is nothing unless given.
fn with_default(setting: &Setting) -> String {
    match word(&setting.default) {
        _ if setting.required => format!("{} (required)", setting.name),
        word if word.is_empty() => setting.name.clone(),
        word => format!("{}={word}", setting.name),
    }
}

/// A value as on the command line: parts by their names with settings, lists joined by `+`.
fn word(value: &Value) -> String {
    let settings = |fields: &Map<String, Value>, between: &str| {
        let each = fields.iter().map(|(name, value)| format!("{name}={}", word(value)));
        each.collect::<Vec<_>>().join(between)
    };
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |x| x.to_string()),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join("+"),
        Value::Object(fields) => match fields.iter().next() {
            Some((part, Value::Object(own))) if fields.len() == 1 && own.is_empty() => part.clone(),
            Some((part, Value::Object(own))) if fields.len() == 1 => format!("{part}:{}", settings(own, ",")),
            _ => format!("{{{}}}", settings(fields, ", ")),
        },
    }
}
