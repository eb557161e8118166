//! The swept keys with their values, and the tree of each combination.

use super::document::{Node, splice};
use super::label::{label, names};
use super::paths::find;
use super::source::Draft;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// More arms than a sweep can mean to have.
const MOST_ARMS: usize = 100_000;

/// Sections that describe the experiment as a whole.
const NOT_AN_ARM: [(&str, &str); 7] = [
    ("question", "one experiment has one question"),
    ("seed", "raise `replicates` to repeat an arm under other streams"),
    ("replicates", "arms are compared pair by pair, so all have the same replicates"),
    ("expect", "an expectation names the arms that it is about"),
    ("record", "what is written is the same for every arm"),
    ("slurm", "all arms are run by one job"),
    ("sweep", "a sweep has one level; every combination of its keys is an arm"),
];

/// One swept key.
#[derive(Debug)]
pub(super) struct Axis<'i> {
    pub key: String,
    pub path: Vec<String>,
    pub span: Range<usize>,
    pub values: Vec<Node<'i>>,
    /// A name for each value, without what all share.
    names: Vec<String>,
}

impl Axis<'_> {
    fn covers(&self, path: &[String]) -> bool {
        path.starts_with(&self.path) || self.path.starts_with(path)
    }
}

/// Takes the sweep out of the tree.
pub(super) fn take_axes<'i>(root: &mut Node<'i>, faults: &mut Vec<Draft>) -> Vec<Axis<'i>> {
    let taken = match root.get_mut() {
        DeValue::Table(table) => table.remove("sweep"),
        _ => None,
    };
    let Some(sweep) = taken else { return Vec::new() };
    let span = sweep.span();
    let mut axes = Vec::new();
    match sweep.into_inner() {
        DeValue::Table(table) => flatten(table, "", &mut axes, faults),
        _ => faults.push(
            Draft::new(span, "`sweep` is a table of keys and their values", "not a table")
                .help("write [sweep] as a header and \"trainer.reinforce.steps\" = [100, 300] below"),
        ),
    }
    for i in 0..axes.len() {
        let later: &Axis<'_> = &axes[i];
        if let Some(earlier) = axes[..i].iter().find(|earlier| earlier.covers(&later.path)) {
            faults.push(
                Draft::new(
                    later.span.clone(),
                    format!(
                        "`{}` and `{}` are swept both, and one contains the other",
                        earlier.key, later.key
                    ),
                    "overlaps",
                )
                .help("sweep the larger one alone, with both settings in each of its values"),
            );
        }
    }
    axes
}

/// Reads `"a.b" = […]` and `a.b = […]` alike.
fn flatten<'i>(table: DeTable<'i>, above: &str, axes: &mut Vec<Axis<'i>>, faults: &mut Vec<Draft>) {
    for (key, value) in table {
        let name =
            if above.is_empty() { key.get_ref().to_string() } else { format!("{above}.{}", key.get_ref()) };
        let (span, place) = (key.span(), value.span());
        match value.into_inner() {
            DeValue::Array(list) if list.is_empty() => faults.push(
                Draft::new(place, format!("`{name}` is swept over no value"), "empty")
                    .help("give at least one value, or take the key out of [sweep]"),
            ),
            DeValue::Array(list) => axes.push(Axis {
                path: name.split('.').map(str::to_owned).collect(),
                key: name,
                span,
                names: names(&list.iter().map(Spanned::get_ref).collect::<Vec<_>>()),
                values: list.into_iter().collect(),
            }),
            DeValue::Table(inner) if !inner.is_empty() => flatten(inner, &name, axes, faults),
            _ => faults.push(
                Draft::new(place, format!("`{name}` is swept over a single value"), "a list is needed")
                    .help("put the values between square brackets"),
            ),
        }
    }
}

/// The schema of each axis, where its key exists and belongs to an arm.
pub(super) fn resolve_axes(
    axes: &[Axis<'_>],
    base: &Node<'_>,
    set: &[Vec<String>],
    faults: &mut Vec<Draft>,
) -> Vec<Option<&'static serde_json::Value>> {
    let mut schemas = Vec::with_capacity(axes.len());
    for axis in axes {
        if let Some((section, why)) = NOT_AN_ARM.iter().find(|(section, _)| axis.path[0] == *section) {
            faults.push(
                Draft::new(axis.span.clone(), format!("`{section}` cannot be swept"), "not part of an arm")
                    .help(*why),
            );
            schemas.push(None);
            continue;
        }
        if set.iter().any(|path| axis.covers(path)) {
            faults.push(
                Draft::new(
                    axis.span.clone(),
                    format!("`{}` is swept, so --set cannot fix it", axis.key),
                    "swept here",
                )
                .help(format!("set the list instead: --set 'sweep.\"{}\"=[…]'", axis.key)),
            );
        }
        match find(&axis.path, base) {
            Ok(schema) => schemas.push(Some(schema)),
            Err(lost) => {
                faults.push(Draft::new(axis.span.clone(), lost.message, "leads nowhere").help(lost.help));
                schemas.push(None);
            }
        }
    }
    schemas
}

/// The sweep as a value again, with one dotted key an axis.
pub(super) fn as_table<'i>(axes: &[Axis<'i>]) -> Node<'i> {
    let table: DeTable<'i> = axes
        .iter()
        .map(|axis| {
            let list = DeValue::Array(axis.values.iter().cloned().collect());
            let key = Spanned::new(axis.span.clone(), axis.key.clone().into());
            (key, Spanned::new(axis.span.clone(), list))
        })
        .collect();
    Spanned::new(0..0, DeValue::Table(table))
}

/// Number of arms, unless it is beyond reason.
pub(super) fn count(axes: &[Axis<'_>]) -> Result<usize, Draft> {
    let arms = axes.iter().try_fold(1_usize, |n, axis| n.checked_mul(axis.values.len()));
    arms.filter(|&n| n <= MOST_ARMS).ok_or_else(|| {
        let span = axes.first().map_or(0..0, |axis| axis.span.clone());
        let sizes: Vec<String> = axes.iter().map(|axis| axis.values.len().to_string()).collect();
        let message = format!("the sweep spans {} arms; {MOST_ARMS} is the limit", sizes.join(" × "));
        Draft::new(span, message, "").help("split the experiment into several files")
    })
}

/// Which value each axis has in arm `index`: the first key varies slowest.
pub(super) fn choice(axes: &[Axis<'_>], index: usize) -> Vec<usize> {
    let mut rest = index;
    let mut chosen: Vec<usize> = axes
        .iter()
        .rev()
        .map(|axis| {
            let size = axis.values.len().max(1);
            let value = rest % size;
            rest /= size;
            value
        })
        .collect();
    chosen.reverse();
    chosen
}

/// The tree of one arm.
pub(super) fn spliced<'i>(base: &Node<'i>, axes: &[Axis<'i>], chosen: &[usize]) -> Node<'i> {
    let mut tree = base.clone();
    for (axis, &value) in axes.iter().zip(chosen) {
        if let Some(value) = axis.values.get(value) {
            splice(&mut tree, &axis.path, &axis.span, value.clone());
        }
    }
    tree
}

/// The short values of one arm.
pub(super) fn labels(axes: &[Axis<'_>], chosen: &[usize]) -> Vec<String> {
    axes.iter()
        .zip(chosen)
        .map(|(axis, &i)| axis.values.get(i).map(|v| label(v.get_ref())).unwrap_or_default())
        .collect()
}

/// The names of one arm's values.
pub(super) fn named(axes: &[Axis<'_>], chosen: &[usize]) -> Vec<String> {
    axes.iter().zip(chosen).map(|(axis, &i)| axis.names.get(i).cloned().unwrap_or_default()).collect()
}
