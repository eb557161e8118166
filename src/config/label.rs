//! A swept value in a few characters, for tables and legends.

pub(super) use crate::foundation::format::exact as short;
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// `student_t(df=2)` for `{ student_t = { df = 2 } }`, `0.1` for `1e-1`.
pub(super) fn label(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().parse().map_or_else(|_| number.as_str().to_owned(), short),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| label(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(table) => {
            let mut entries = table.iter();
            // A table with one table inside is a part with its settings.
            if let (Some((key, inner)), None) = (entries.next(), entries.next())
                && let DeValue::Table(settings) = inner.get_ref()
            {
                return match settings.is_empty() {
                    true => key.get_ref().to_string(),
                    false => format!("{}({})", key.get_ref(), listed(settings)),
                };
            }
            listed(table)
        }
    }
}

/// The same for all values of one swept key, without the settings that they share, so that what is left tells them apart.
pub(super) fn names(values: &[&DeValue<'_>]) -> Vec<String> {
    let mut values: Vec<DeValue<'_>> = values.iter().map(|value| (*value).clone()).collect();
    let whole: Vec<String> = values.iter().map(label).collect();
    thin(values.iter_mut().filter_map(part).collect());
    let short = |(value, whole): (&DeValue<'_>, String)| {
        Some(label(value)).filter(|s| !s.is_empty()).unwrap_or(whole)
    };
    values.iter().zip(whole).map(short).collect()
}

/// A part's name and settings; without a name those of a section.
fn part<'v, 'i>(value: &'v mut DeValue<'i>) -> Option<(String, &'v mut DeTable<'i>)> {
    let DeValue::Table(table) = value else { return None };
    let alone = table.len() == 1 && table.values().all(|inner| matches!(inner.get_ref(), DeValue::Table(_)));
    if !alone {
        return Some((String::new(), table));
    }
    let (key, inner) = table.iter_mut().next()?;
    let name = key.get_ref().to_string();
    match inner.get_mut() {
        DeValue::Table(settings) => Some((name, settings)),
        _ => None,
    }
}

/// Takes out what several hold with the same value, where every part that has it holds it in all of its places: what tells two
/// places of one part apart stays.
fn thin(mut places: Vec<(String, &mut DeTable<'_>)>) {
    let keys: BTreeSet<String> =
        places.iter().flat_map(|(_, table)| table.keys().map(|key| key.get_ref().to_string())).collect();
    for key in keys {
        let mut held = Vec::new();
        let mut lacking = BTreeSet::new();
        for (name, table) in &places {
            match table.get(key.as_str()) {
                Some(value) => held.push((name.clone(), label(value.get_ref()))),
                None => {
                    lacking.insert(name.clone());
                }
            }
        }
        if held.len() < 2 || held.iter().any(|(name, _)| lacking.contains(name)) {
            continue;
        }
        let shared = held.iter().all(|(_, value)| *value == held[0].1);
        let mut inner = Vec::new();
        for (name, table) in &mut places {
            if shared {
                table.remove(key.as_str());
            } else if let Some(DeValue::Table(table)) = table.get_mut(key.as_str()).map(Spanned::get_mut) {
                inner.push((name.clone(), table));
            }
        }
        if inner.len() == held.len() {
            thin(inner);
            // A section of which nothing is left says nothing.
            places.iter_mut().for_each(|(_, table)| {
                let emptied = |value: &Spanned<DeValue<'_>>| {
                    matches!(value.get_ref(), DeValue::Table(table) if table.is_empty())
                };
                if table.get(key.as_str()).is_some_and(emptied) {
                    table.remove(key.as_str());
                }
            });
        }
    }
}

fn listed(table: &DeTable<'_>) -> String {
    let entries: Vec<String> =
        table.iter().map(|(k, v)| format!("{}={}", k.get_ref(), label(v.get_ref()))).collect();
    entries.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lack_what_values_share_and_differ_where_values_do() {
        let named = |texts: &[&str]| {
            let values: Vec<_> = texts.iter().map(|text| DeValue::parse(text).unwrap()).collect();
            names(&values.iter().map(Spanned::get_ref).collect::<Vec<_>>())
        };
        assert_eq!(
            named(&[
                "{ reinforce = { batch = 64, kl = { stop = 1.0 } } }",
                "{ reinforce = { batch = 64, advantage = 'batch_normalised', kl = { stop = 1.0 } } }",
                "{ rloo = { batch = 64, group = 8, kl = { coefficient = 0.5, stop = 1.0 } } }",
                "{ grpo = { batch = 64, group = 8, kl = { stop = 1.0 } } }",
                "{ exact = { kl = { budget = 1.0 } } }",
                "{ best_of_n = { n = 6 } }",
            ]),
            [
                "reinforce",
                "reinforce(advantage=batch_normalised)",
                "rloo(kl=coefficient=0.5)",
                "grpo",
                "exact(kl=budget=1)",
                "best_of_n(n=6)"
            ]
        );
        assert_eq!(
            named(&["{ a = { x = 1 } }", "{ a = {} }", "{ b = { x = 1 } }"]),
            ["a(x=1)", "a", "b(x=1)"]
        );
        assert_eq!(
            named(&["{ sgd = { learning_rate = 3.2 } }", "{ adam = { learning_rate = 0.05 } }"]),
            ["sgd(learning_rate=3.2)", "adam(learning_rate=0.05)"]
        );
        assert_eq!(named(&["'none'", "{ clip = { high = 5 } }"]), ["none", "clip(high=5)"]);
        assert_eq!(named(&["{ steps = 9, kl = { stop = 1 } }", "{ steps = 9 }"]), ["kl(stop=1)", "steps=9"]);
    }

    #[test]
    fn parts_numbers_and_lists_are_short() {
        let labelled = |text: &str| label(DeValue::parse(text).unwrap().get_ref());
        assert_eq!(labelled("{ student_t = { df = 2 } }"), "student_t(df=2)");
        assert_eq!(labelled("{ normal = {} }"), "normal");
        assert_eq!(labelled("{ coefficient = 0.50, place = 'loss' }"), "coefficient=0.5, place=loss");
        assert_eq!(labelled("1e-1"), "0.1");
        assert_eq!(labelled("2e-6"), "2e-6");
        assert_eq!(labelled("10_000"), "10000");
        assert_eq!(labelled("[{ mass = 1e-3 }]"), "[mass=0.001]");
        assert_eq!(labelled("{ error = { normal = {} }, mode = 'fresh' }"), "error=normal, mode=fresh");
    }
}
