//! A swept value in a few characters, for tables and legends.

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

fn listed(table: &DeTable<'_>) -> String {
    let entries: Vec<String> =
        table.iter().map(|(k, v)| format!("{}={}", k.get_ref(), label(v.get_ref()))).collect();
    entries.join(", ")
}

/// The shortest text that reads back as `x`, with an exponent where the number is far from one.
pub(super) fn short(x: f64) -> String {
    let size = x.abs();
    if size != 0.0 && !(1e-4..1e7).contains(&size) { format!("{x:e}") } else { x.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

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
