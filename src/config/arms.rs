//! The arms that a sweep spans, and what contradicts itself in them.

use super::arm::Arm;
use super::axes::{Axis, choice, labels, named, spliced};
use super::document::{Node, place};
use super::rules::{References, contradictions, unobservable};
use super::sections::Document;
use super::source::Draft;
use serde::Deserialize as _;
use serde_json::Value;
use std::collections::HashMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

/// Runs of the largest plan: it takes about 0.7 GB.
const MOST_RUNS: u64 = 2_000_000;

/// Builds one arm; what the walk let pass and serde refuses is a fault too.
pub(super) fn arm(
    base: &Node<'_>,
    axes: &[Axis<'_>],
    keys: &std::sync::Arc<[String]>,
    index: usize,
) -> Result<Arm, Vec<Draft>> {
    let chosen = choice(axes, index);
    let document = typed(spliced(base, axes, &chosen))?;
    Ok(Arm {
        index,
        keys: keys.clone(),
        values: labels(axes, &chosen),
        names: named(axes, &chosen),
        document,
    })
}

/// Gives the tree its type.
pub(super) fn typed(tree: Node<'_>) -> Result<Document, Vec<Draft>> {
    let span = tree.span();
    let table = match tree.into_inner() {
        DeValue::Table(table) => table,
        _ => DeTable::new(),
    };
    Document::deserialize(Deserializer::from(Spanned::new(span, table))).map_err(|error| {
        let message = error.message().lines().next().unwrap_or("not a configuration").to_owned();
        let fault = Draft::new(error.span().unwrap_or(0..0), message, "here");
        vec![fault.help("these values do not go together; change one of them")]
    })
}

/// Two values of one key that come to the same configuration.
pub(super) fn duplicates(axes: &[Axis<'_>], arms: &[Arm]) -> Vec<Draft> {
    let mut faults = Vec::new();
    let mut stride = arms.len();
    for axis in axes {
        // Arms that differ in this key alone lie `stride` apart.
        stride /= axis.values.len().max(1);
        let mut known: HashMap<blake3::Hash, (usize, &Arm)> = HashMap::new();
        let along = arms.iter().step_by(stride.max(1)).zip(&axis.values).enumerate();
        for (j, (later, value)) in along {
            let (i, earlier) = *known.entry(digest(&later.document)).or_insert((j, later));
            if i < j && earlier.document == later.document {
                let message =
                    format!("value {} of `{}` gives the same arm as value {}", j + 1, axis.key, i + 1);
                faults
                    .push(Draft::new(value.span(), message, "the same again").help("remove one of the two"));
            }
        }
    }
    faults
}

/// What equal documents have in common, and others have not but by chance.
fn digest(document: &Document) -> blake3::Hash {
    // 0 and −0 are equal.
    fn unsigned(value: &mut Value) {
        match value {
            Value::Number(number) if number.as_f64() == Some(0.0) => *value = 0.into(),
            Value::Array(items) => items.iter_mut().for_each(unsigned),
            Value::Object(table) => table.values_mut().for_each(unsigned),
            _ => {}
        }
    }
    // What cannot be written is held against all that cannot.
    let mut value = serde_json::to_value(document).unwrap_or_default();
    unsigned(&mut value);
    blake3::hash(value.to_string().as_bytes())
}

/// Collects the contradictions of all arms; one that not every arm has says in which it lies first.
pub(super) fn contradict(base: &Node<'_>, axes: &[Axis<'_>], arms: &[Arm], faults: &mut Vec<Draft>) {
    let mut references = References::new();
    let mut found: Vec<(Draft, &Arm, usize)> = Vec::new();
    for arm in arms {
        let contradictions = contradictions(&arm.document, &mut references);
        if contradictions.is_empty() {
            continue;
        }
        let tree = spliced(base, axes, &choice(axes, arm.index));
        for c in contradictions {
            let path: Vec<String> = c.path.split('.').map(str::to_owned).collect();
            let span = place(&tree, &path);
            match found.iter_mut().find(|(d, ..)| d.span == span && d.message == c.message) {
                Some((_, _, times)) => *times += 1,
                None => found.push((Draft::new(span, c.message, "").help(c.help), arm, 1)),
            }
        }
    }
    for (mut draft, arm, times) in found {
        if times < arms.len() {
            let values: Vec<String> =
                axes.iter().zip(&arm.values).map(|(axis, value)| format!("{} = {value}", axis.key)).collect();
            draft.label = match times {
                1 => format!("in the arm {}", values.join(", ")),
                _ => format!("in {times} of {} arms, first {}", arms.len(), values.join(", ")),
            };
        }
        faults.push(draft);
    }
}

/// More runs than a plan may name.
pub(super) fn too_many(base: &Node<'_>, arms: &[Arm]) -> Option<Draft> {
    let replicates = arms.first()?.document.replicates.get();
    let runs = replicates.saturating_mul(arms.len() as u64);
    let message = format!("{replicates} replicates of {} arms; {MOST_RUNS} runs is the limit", arms.len());
    (runs > MOST_RUNS).then(|| {
        Draft::new(place(base, &["replicates".to_owned()]), message, "here")
            .help("lower replicates, or make several experiments of it")
    })
}

/// Detectors that no arm's rollouts have the columns for. Where only some arms lack one, the detector has a status there.
pub(super) fn blind(base: &Node<'_>, arms: &[Arm], faults: &mut Vec<Draft>) {
    let mut of_arms = arms.iter().map(|arm| unobservable(&arm.document));
    let Some(mut found) = of_arms.next() else { return };
    for others in of_arms {
        found.retain(|one| others.iter().any(|other| other.path == one.path));
    }
    for fault in found {
        let path: Vec<String> = fault.path.split('.').map(str::to_owned).collect();
        faults.push(Draft::new(place(base, &path), fault.message, "here").help(fault.help));
    }
}

/// Expectations that no arm can meet.
pub(super) fn unexpected(base: &Node<'_>, arms: &[Arm], faults: &mut Vec<Draft>) {
    let Some(first) = arms.first() else { return };
    for (index, expectation) in first.document.expect.iter().enumerate() {
        for fault in expectation.contradictions(arms) {
            let path = format!("expect.{index}.{}", fault.path);
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            faults.push(Draft::new(place(base, &path), fault.message, "here").help(&fault.help));
        }
    }
}
