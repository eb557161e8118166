//! Short names for arms, values and detectors in figures: `pattern=alias`.

use crate::record::folder::RunFolder;
use crate::record::metric::Metric;
use std::str::FromStr;

/// What is called how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    pattern: String,
    alias: String,
}

impl FromStr for Alias {
    type Err = String;

    /// `pattern=alias`: the last `=` parts them, for values hold some.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once('=') {
            Some((pattern, alias)) if !pattern.is_empty() => {
                Ok(Self { pattern: pattern.to_owned(), alias: alias.to_owned() })
            }
            _ => Err(format!(
                "`{text}` is no pattern=alias; for example 'student_t df=2=heavy' or '*adaptive*=adaptive'"
            )),
        }
    }
}

impl Alias {
    /// The name with every place where the pattern stands replaced; a pattern with `*`, which stands for any text, replaces a
    /// whole name.
    pub fn apply(&self, name: &str) -> String {
        if !self.pattern.contains('*') {
            return name.replace(&self.pattern, &self.alias);
        }
        if matches(&self.pattern, name) { self.alias.clone() } else { name.to_owned() }
    }
}

/// Whether `*` can be filled so that the pattern becomes the text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|start| text.strip_prefix(start)) else { return false };
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty()
}

/// Names that an alias can replace: of arms, of the values of swept keys, and of detectors.
fn names_of(run: &RunFolder) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for arm in &run.plan.arms {
        names.push(arm.label.clone());
        names.extend(
            (0..arm.values.len()).map(|key| super::arms::readable(arm.name(key).unwrap_or_default())),
        );
    }
    for row in &run.summary {
        let metric = Metric::parse(&row.metric);
        names.extend(metric.of.map(|of| of.0).or(metric.by.map(|by| by.0)).map(str::to_owned));
    }
    names.extend(run.detectors.iter().map(|row| row.detector.clone()));
    names.sort_unstable();
    names.dedup();
    names
}

/// Calls arms, the values of swept keys, and detectors by their aliases.
///
/// # Errors
/// Two arms that would have one name; an alias whose pattern stands in no name.
pub fn rename(run: &mut RunFolder, aliases: &[Alias]) -> Result<(), String> {
    if aliases.is_empty() {
        return Ok(());
    }
    let called = |name: &str| aliases.iter().fold(name.to_owned(), |name, alias| alias.apply(&name));
    let names = names_of(run);
    for (i, alias) in aliases.iter().enumerate() {
        // Those before it may have made what it is for.
        let before = |name: &String| aliases[..i].iter().fold(name.clone(), |name, alias| alias.apply(&name));
        if names.iter().map(before).all(|name| alias.apply(&name) == name) {
            let known = names.iter().take(6).cloned().collect::<Vec<_>>().join("`, `");
            return Err(format!("`{}` stands in no name; there are `{known}` and others", alias.pattern));
        }
    }
    let labels: Vec<String> = run.plan.arms.iter().map(|arm| called(&arm.label)).collect();
    for (i, label) in labels.iter().enumerate() {
        if let Some(same) = labels[..i].iter().position(|other| other == label) {
            let [a, b] = [same, i].map(|k| run.plan.arms[k].label.as_str());
            return Err(format!("the arms `{a}` and `{b}` would both be called `{label}`"));
        }
    }
    for arm in &mut run.plan.arms {
        arm.label = called(&arm.label);
        arm.names = (0..arm.values.len())
            .map(|key| called(&super::arms::readable(arm.name(key).unwrap_or_default())))
            .collect();
    }
    for row in &mut run.summary {
        let metric = Metric::parse(&row.metric);
        let detector = metric.of.map(|of| of.0).or(metric.by.map(|by| by.0));
        if let Some((detector, (name, rest))) = detector.zip(row.metric.split_once('[')) {
            let place = &rest[detector.len()..];
            row.metric = format!("{name}[{}{place}", called(detector));
        }
    }
    for row in &mut run.detectors {
        row.detector = called(&row.detector);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_in_part_or_as_a_whole() {
        let alias = |text: &str| text.parse::<Alias>().unwrap();
        assert_eq!(alias("student_t df=2=heavy").apply("student_t df=2, kl 1"), "heavy, kl 1");
        assert_eq!(alias("*adaptive(*)=adaptive").apply("kl=adaptive(target=1)"), "adaptive");
        assert_eq!(alias("*adaptive(*)x=adaptive").apply("kl=adaptive(target=1)"), "kl=adaptive(target=1)");
        assert_eq!(alias("a*b*c=x").apply("a1b2c"), "x");
        assert_eq!(alias("a*b*c=x").apply("ac"), "ac");
        assert_eq!(alias("grpo=").apply("grpo"), "");
        for wrong in ["", "grpo", "=x"] {
            assert!(wrong.parse::<Alias>().is_err(), "{wrong}");
        }
    }
}
