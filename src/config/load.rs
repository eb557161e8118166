//! From bytes to arms, stage by stage.

use super::arm::Arm;
use super::arms::{arm, blind, contradict, duplicates, too_many, typed, unexpected};
use super::axes::{as_table, count, resolve_axes, take_axes};
use super::document::{Node, descend, parse, splice};
use super::error::{ConfigError, Fault};
use super::overrides::{Override, apply, read_set};
use super::schema::root as schema_root;
use super::sections::Document;
use super::source::{Draft, Sources};
use super::walk::walk;
use std::collections::HashSet;
use std::io::{self, Read as _};
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Most faults that are shown, each with its lines; the others are counted.
const MOST: usize = 100;
/// A file beyond this size is no configuration.
const LARGEST: u64 = 4 << 20;
/// What the system says where not the path is at fault, but a disk, a server, memory or a limit of open files: EIO, ENOMEM, ENFILE, EMFILE, ESTALE
/// (Linux, macOS).
const MACHINE: [i32; 6] = [5, 12, 23, 24, 116, 70];

/// A configuration that may be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The file, as it was named.
    pub source: String,
    /// The document as written, its sweep included; where a required key is only swept, with its first value.
    pub document: Document,
    /// The swept keys, as written; the first varies slowest.
    pub sweep_keys: Vec<String>,
    /// Every combination of the sweep's values; a single arm where nothing is swept.
    pub arms: Vec<Arm>,
}

/// Reads a configuration; `sets` are `KEY=VALUE` arguments that override it.
///
/// # Errors
/// Every fault of the first stage that has one: reading, syntax, keys and values, contradictions.
pub fn load(path: &Path, sets: &[String]) -> Result<Loaded, ConfigError> {
    let name = path.display().to_string();
    let fault = |problem: String| Draft::new(0..0, format!("{name}: {problem}"), "");
    let alone = |fault: Draft| ConfigError::new(vec![Sources::default().place(fault)]);
    let unread = |problem: String| alone(fault(problem));
    let failed = |error: io::Error| {
        let mut fault = fault(format!("cannot be read: {error}"));
        if error.kind() == io::ErrorKind::NotFound {
            fault = fault.help("check the path, or begin a config with `tailcatch init NAME`");
        }
        let found = alone(fault);
        if error.raw_os_error().is_some_and(|code| MACHINE.contains(&code)) {
            found.of_the_machine()
        } else {
            found
        }
    };
    let meta = std::fs::metadata(path).map_err(failed)?;
    if meta.is_dir() {
        return Err(unread("is a folder; name a configuration file".to_owned()));
    }
    let too_large =
        |bytes: &str| Err(unread(format!("has {bytes} bytes; a configuration has a few thousand")));
    if meta.len() > LARGEST {
        return too_large(&meta.len().to_string());
    }
    // A pipe or a device does not tell its length.
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return too_large(&format!("more than {LARGEST}"));
    }
    from_bytes(&name, &bytes, sets)
}

/// Reads a configuration from memory; `name` stands for the file in messages.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(name: &str, bytes: &[u8], sets: &[String]) -> Result<Loaded, ConfigError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(not_utf8(name, bytes, error.valid_up_to())),
    };
    let mut sources = Sources::default();
    sources.add(name, text);
    let starts: Vec<usize> = sets.iter().map(|set| sources.add("--set", set)).collect();
    let given: Vec<(&str, usize)> = sets.iter().map(String::as_str).zip(starts).collect();
    read(name, text, &given).map_err(|faults| {
        let mut told = HashSet::new();
        let mut drafts = faults;
        drafts.retain(|d| told.insert((d.span.start, d.span.end, d.message.clone())));
        drafts.sort_by_key(|d| d.span.start);
        let more = drafts.len().saturating_sub(MOST);
        drafts.truncate(MOST);
        let mut faults: Vec<Fault> = drafts.into_iter().map(|draft| sources.place(draft)).collect();
        if more > 0 {
            let help = "mend these first, and check again".to_owned();
            faults.push(Fault::new(
                None,
                format!("{more} more faults are not shown"),
                String::new(),
                Some(help),
            ));
        }
        ConfigError::new(faults)
    })
}

fn not_utf8(name: &str, bytes: &[u8], valid: usize) -> ConfigError {
    let mut sources = Sources::default();
    sources.add(name, &String::from_utf8_lossy(bytes));
    let byte = bytes.get(valid).copied().unwrap_or_default();
    let fault = Draft::new(valid..valid + 1, format!("byte 0x{byte:02x} is not UTF-8"), "here")
        .help("save the file as UTF-8");
    ConfigError::new(vec![sources.place(fault)])
}

fn read(name: &str, text: &str, sets: &[(&str, usize)]) -> Result<Loaded, Vec<Draft>> {
    let mut faults = Vec::new();
    let parsed = parse(text).unwrap_or_else(|found| {
        faults.extend(found);
        Spanned::new(0..0, DeValue::Table(DeTable::new()))
    });
    let overrides: Vec<Override<'_>> = sets
        .iter()
        .filter_map(|&(set, start)| read_set(set, start).map_err(|found| faults.extend(found)).ok())
        .collect();
    stop(faults)?;

    let empty = parsed.get_ref().as_table().is_some_and(DeTable::is_empty);
    if empty && overrides.is_empty() {
        let fault = Draft::new(0..0, "the configuration is empty", "nothing here");
        return Err(vec![fault.help("`tailcatch init NAME` writes one with every key explained")]);
    }

    // Stage two: keys, types and ranges of the base and of every swept value.
    let mut faults = Vec::new();
    let mut base = parsed;
    let set_paths = apply(&mut base, overrides, &mut faults);
    let axes = take_axes(&mut base, &mut faults);
    let schemas = resolve_axes(&axes, &base, &set_paths, &mut faults);
    for (axis, schema) in axes.iter().zip(&schemas) {
        let Some(schema) = schema else { continue };
        for value in &axis.values {
            walk(value, schema, &axis.key, &axis.span, &mut faults);
        }
        // Where the key is only swept, the base takes the first value.
        if place_is_free(&base, &axis.path)
            && let Some(first) = axis.values.first()
        {
            splice(&mut base, &axis.path, &axis.span, first.clone());
        }
    }
    walk(&base, schema_root(), "", &(0..0), &mut faults);
    stop(faults)?;

    // Stage three: contradictions in every arm.
    let arms = count(&axes).map_err(|fault| vec![fault])?;
    let mut faults = Vec::new();
    let keys: std::sync::Arc<[String]> = axes.iter().map(|axis| axis.key.clone()).collect();
    let arms: Vec<Arm> = (0..arms)
        .filter_map(|index| arm(&base, &axes, &keys, index).map_err(|found| faults.extend(found)).ok())
        .collect();
    stop(faults)?;
    let mut faults = duplicates(&axes, &arms);
    faults.extend(too_many(&base, &arms));
    contradict(&base, &axes, &arms, &mut faults);
    blind(&base, &arms, &mut faults);
    unexpected(&base, &arms, &mut faults);
    stop(faults)?;

    let mut whole = base;
    if !axes.is_empty() {
        splice(&mut whole, &["sweep".to_owned()], &(0..0), as_table(&axes));
    }
    Ok(Loaded {
        source: name.to_owned(),
        document: typed(whole)?,
        sweep_keys: axes.into_iter().map(|axis| axis.key).collect(),
        arms,
    })
}

fn stop(faults: Vec<Draft>) -> Result<(), Vec<Draft>> {
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn place_is_free(base: &Node<'_>, path: &[String]) -> bool {
    descend(base, path).1 < path.len()
}

#[cfg(test)]
mod tests {
    use super::super::document::parse_value;
    use super::super::schema::{Shape, all_paths, shape};
    use super::*;

    #[test]
    fn of_many_faults_the_first_are_shown_and_the_others_counted() {
        let of = |keys: usize| {
            let text: String = (0..keys).map(|i| format!("k{i} = {i}\n")).collect();
            from_bytes("a.toml", text.as_bytes(), &[]).unwrap_err()
        };
        let all = of(MOST / 2).faults().len();
        assert!((MOST / 2..=MOST).contains(&all), "{all}");
        let error = of(50_000);
        let (last, shown) = error.faults().split_last().unwrap();
        assert_eq!(shown.len(), MOST);
        assert_eq!(last.message(), format!("{} more faults are not shown", 50_000 - MOST / 2 + all - MOST));
        assert!(error.faults().iter().any(|fault| fault.position() == Some((MOST / 2, 1))));
    }

    const VALUES: [&str; 26] = [
        "0",
        "1",
        "2",
        "-1",
        "-0.0",
        "0.5",
        "1.0",
        "1e300",
        "nan",
        "inf",
        "-inf",
        "4294967296",
        "9223372036854775808",
        "340282366920938463463374607431768211455",
        "1e999",
        "true",
        "\"\"",
        "\"fixed\"",
        "\"normal\"",
        "\"first\"",
        "[]",
        "[0.5]",
        "{}",
        "{ normal = {} }",
        "{ fixed = {} }",
        "2026-11-22",
    ];

    const BASES: [&str; 2] = [
        "question = '?'\nenvironment = { bandit = {} }\ntrainer = { exact = { kl = { budget = 1 } } }\n\
         [[reward.exploits]]\nmass = 0.1\nproxy = 3\n",
        "question = '?'\nenvironment = { bandit = { utility = { normal = {} } } }\nreward = { error = { normal = {} } }\n\
         [trainer.reinforce]\noptimizer = { adam = { learning_rate = 1 } }\nkl = { controller = { budget = { target = 1 } } }\n",
    ];

    fn judge(tree: &Node<'_>) -> (Vec<Draft>, Result<Document, Vec<Draft>>) {
        let mut faults = Vec::new();
        walk(tree, schema_root(), "", &(0..0), &mut faults);
        (faults, typed(tree.clone()))
    }

    /// Leaves only the kinds that `path` goes through.
    fn make_way<'i>(node: &mut Node<'i>, schema: &'static serde_json::Value, path: &[String]) {
        let Some((segment, rest)) = path.split_first() else { return };
        let below = match shape(schema) {
            Shape::Table { properties, .. } => properties.get(segment),
            Shape::Kinds { tables, .. } => {
                let kept = match node.get_mut() {
                    DeValue::Table(table) => table.remove(segment.as_str()),
                    _ => None,
                };
                let kept = kept.map(|value| (Spanned::new(0..1, segment.clone().into()), value));
                *node.get_mut() = DeValue::Table(kept.into_iter().collect());
                tables.iter().find(|(kind, _)| *kind == segment).map(|(_, below)| *below)
            }
            Shape::List { items, .. } => Some(items),
            _ => None,
        };
        let inner = match node.get_mut() {
            DeValue::Table(table) => table.get_mut(segment.as_str()),
            DeValue::Array(list) => list.get_mut(0),
            _ => None,
        };
        if let (Some(inner), Some(below)) = (inner, below) {
            make_way(inner, below, rest);
        }
    }

    /// Every value at every key: the walk and serde give the same verdict.
    #[test]
    fn config_walk_and_serde_agree() {
        let (mut accepted, mut refused) = (0, 0);
        for base in BASES {
            let base = parse(base).unwrap();
            assert!(judge(&base).0.is_empty());
            for path in all_paths().iter().filter(|path| *path != "sweep") {
                let segments: Vec<String> = path.split('.').map(str::to_owned).collect();
                for text in VALUES {
                    let mut tree = base.clone();
                    make_way(&mut tree, schema_root(), &segments);
                    splice(&mut tree, &segments, &(0..1), parse_value(text).unwrap());
                    let (faults, document) = judge(&tree);
                    match (faults.is_empty(), document) {
                        (true, Ok(_)) => accepted += 1,
                        (false, Err(_)) => refused += 1,
                        // A law that compares two of its own keys.
                        (true, Err(error)) => assert!(
                            path.contains(".uniform."),
                            "{path} = {text}: the walk lets pass what serde refuses: {error:?}"
                        ),
                        // serde takes a list for a struct, field by field.
                        (false, Ok(_)) => {
                            assert!(
                                text.starts_with('['),
                                "{path} = {text}: only the walk refuses: {faults:?}"
                            );
                        }
                    }
                }
            }
        }
        assert!(accepted > 1_000 && refused > 5_000, "{accepted} {refused}");
    }

    #[test]
    fn config_missing_keys_are_seen_by_both() {
        for text in ["seed = 1", "question = '?'", "question = '?'\n[environment.bandit]\n[trainer.exact]\n"]
        {
            let (faults, document) = judge(&parse(text).unwrap());
            assert!(!faults.is_empty() && document.is_err(), "{text}");
        }
    }
}
