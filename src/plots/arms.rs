//! The arms of a sweep as figures need them: values made readable, one key along an axis, the others as series.

use crate::foundation::format;
use crate::record::folder::{ArmInfo, RunFolder};

/// A swept value in words: `{ student_t = { df = 2 } }` becomes `student_t df=2`.
pub fn readable(value: &str) -> String {
    let mut compact = String::with_capacity(value.len());
    let mut space = false;
    for c in value.chars().filter(|c| !matches!(c, '"' | '\'')) {
        let mark = matches!(c, '=' | '{' | '}' | ',');
        if c.is_whitespace() {
            space = !compact.is_empty() && !compact.ends_with(['=', '{', '}', ',']);
            continue;
        }
        if space && !mark {
            compact.push(' ');
        }
        space = false;
        compact.push(c);
    }
    compact.replace("={", " ").replace(['{', '}'], "").replace(',', ", ").trim().to_owned()
}

/// The last part of a key: `trainer.reinforce.kl.coefficient` becomes `kl coefficient`.
pub fn short_key(key: &str) -> String {
    let parts: Vec<&str> = key.split('.').collect();
    // A number is a place in a list: it says nothing without the list.
    let needs_company =
        |last: &&str| matches!(*last, "coefficient" | "budget") || last.parse::<usize>().is_ok();
    let kept = if parts.last().is_some_and(needs_company) { 2 } else { 1 };
    parts[parts.len().saturating_sub(kept)..].join(" ").replace('_', " ")
}

/// Arms that differ in one key only, in the order of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<'a> {
    /// The values of the other keys, in words; empty where there is no other.
    pub name: String,
    /// The same, one for each of the other keys that vary.
    pub parts: Vec<String>,
    /// Each arm with its value of the key.
    pub arms: Vec<(&'a ArmInfo, &'a str)>,
}

/// The plan's arms in groups along the key at `along`.
pub fn groups(run: &RunFolder, along: usize) -> Vec<Group<'_>> {
    let keys = &run.plan.sweep_keys;
    let varies = |k: usize| run.plan.arms.iter().any(|a| a.values.get(k) != run.plan.arms[0].values.get(k));
    let others: Vec<usize> = (0..keys.len()).filter(|&k| k != along && varies(k)).collect();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for arm in &run.plan.arms {
        let Some(value) = arm.values.get(along) else { continue };
        let words = |&k: &usize| {
            let value = arm.name(k).map_or(String::new(), readable);
            if value.parse::<f64>().is_ok() {
                format!("{} {}", short_key(&keys[k]), format::round(&value))
            } else {
                value
            }
        };
        let parts: Vec<String> = others.iter().map(words).collect();
        let name = parts.join(", ");
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.arms.push((arm, value)),
            None => groups.push(Group { name, parts, arms: vec![(arm, value)] }),
        }
    }
    groups
}

/// The key's values as numbers, if all arms have one and not all the same.
pub fn numbers(run: &RunFolder, key: usize) -> Option<Vec<f64>> {
    let parse =
        |arm: &ArmInfo| arm.values.get(key)?.replace('_', "").parse::<f64>().ok().filter(|x| x.is_finite());
    let values: Vec<f64> = run.plan.arms.iter().map(parse).collect::<Option<_>>()?;
    values.iter().any(|x| *x != values[0]).then_some(values)
}

/// Final values of one column over an arm's replicates.
pub fn finals(
    run: &RunFolder,
    arm: usize,
    column: impl Fn(&crate::record::tables::ReplicateRow) -> Option<f64>,
) -> Vec<f64> {
    run.replicates.iter().filter(|row| row.arm == arm).filter_map(column).collect()
}

/// The first of each arm, in order.
pub fn first_of_each_arm<T>(all: &[T], arm: impl Fn(&T) -> usize) -> Vec<&T> {
    let mut first: Vec<&T> = Vec::new();
    for one in all {
        if !first.iter().any(|known| arm(known) == arm(one)) {
            first.push(one);
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_made_readable() {
        for (value, expected) in [
            ("{ student_t = { df = 2 } }", "student_t df=2"),
            ("{student_t={df=2,scale=3}}", "student_t df=2, scale=3"),
            ("{ normal = {} }", "normal"),
            ("\"iqr\"", "iqr"),
            ("0.5", "0.5"),
            ("", ""),
            ("'a b'", "a b"),
        ] {
            assert_eq!(readable(value), expected, "{value}");
        }
        assert_eq!(short_key("trainer.reinforce.kl.coefficient"), "kl coefficient");
        assert_eq!(short_key("environment.bandit.outcomes"), "outcomes");
        assert_eq!(short_key("reward.triggers.0"), "triggers 0");
    }
}
