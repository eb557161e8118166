//! What a closed form answers: one list that is printed as a table or as a JSON document.

use super::super::console::Style;
use super::super::table::{Table, WIDTH, number, wrapped};
use super::brief;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A list of named values, each with its meaning. The names are the keys of the JSON document; a value that does not
/// exist is `null` there, and its reason stands in words under `reasons`.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    lines: Vec<Line>,
    lists: Vec<List>,
    finding: String,
}

#[derive(Debug, Clone)]
struct Line {
    key: &'static str,
    value: Value,
    meaning: String,
    reason: Option<String>,
    given: bool,
}

/// Rows that share their columns.
#[derive(Debug, Clone)]
struct List {
    key: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Map<String, Value>>,
}

impl Answer {
    /// An argument as it was understood: in the document, and in the line above the table.
    pub(super) fn given(&mut self, key: &'static str, value: impl Into<Value>) {
        let line = Line { key, value: value.into(), meaning: String::new(), reason: None, given: true };
        self.lines.push(line);
    }

    /// A value and what it is, with its unit.
    pub(super) fn value(&mut self, key: &'static str, value: impl Into<Value>, meaning: impl Into<String>) {
        let line = Line { key, value: value.into(), meaning: meaning.into(), reason: None, given: false };
        self.lines.push(line);
    }

    /// A value that may not exist, and then why.
    pub(super) fn maybe(
        &mut self,
        key: &'static str,
        value: Result<impl Into<Value>, String>,
        meaning: impl Into<String>,
    ) {
        let (value, reason) = match value {
            Ok(value) => (value.into(), None),
            Err(reason) => (Value::Null, Some(reason)),
        };
        self.lines.push(Line { key, value, meaning: meaning.into(), reason, given: false });
    }

    /// Rows of several values each, printed as a table of their own. `columns` are their keys, those of numbers with a
    /// `>` before them, as in [`Table::new`].
    pub(super) fn list(&mut self, key: &'static str, columns: &[&'static str], rows: Vec<Vec<Value>>) {
        let keys = || columns.iter().map(|c| c.trim_start_matches('>').to_owned());
        let object = |row: Vec<Value>| keys().zip(row).collect();
        let rows = rows.into_iter().map(object).collect();
        self.lists.push(List { key, columns: columns.to_vec(), rows });
    }

    /// What it comes to, in a sentence or two below the table; `finding` in the document.
    pub(super) fn finding(&mut self, text: impl Into<String>) {
        self.finding = text.into();
    }

    /// The answer for people.
    pub(super) fn text(&self, style: Style) -> String {
        let given = self.lines.iter().filter(|l| l.given);
        let given: Vec<String> =
            given.map(|l| format!("{} {}", l.key.replace('_', " "), as_given(&l.value))).collect();
        let mut out = String::new();
        for line in wrapped(&given.join(" · "), WIDTH) {
            out.push_str(&format!("{}\n", style.dim(line)));
        }
        let mut table = Table::new(&["name", ">value", "meaning"]);
        for line in self.lines.iter().filter(|l| !l.given) {
            let reason = line.reason.as_ref().map(|r| format!(" (none: {r})")).unwrap_or_default();
            table.row([line.key.to_owned(), shown(&line.value), format!("{}{reason}", line.meaning)]);
        }
        out.push('\n');
        out.push_str(&table.render(style));
        for List { columns, rows, .. } in &self.lists {
            let mut table = Table::new(columns);
            for row in rows {
                table.row(row.values().map(shown));
            }
            out.push('\n');
            out.push_str(&table.render(style));
        }
        if !self.finding.is_empty() {
            out.push('\n');
            for line in wrapped(&self.finding, WIDTH) {
                out.push_str(&format!("{line}\n"));
            }
        }
        out
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(n) => n.as_f64().filter(|_| n.is_f64()).map_or_else(|| n.to_string(), number),
        other => other.to_string(),
    }
}

fn as_given(value: &Value) -> String {
    value.as_f64().map_or_else(|| shown(value), brief)
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = Map::new();
        let mut reasons = Map::new();
        for line in &self.lines {
            document.insert(line.key.to_owned(), line.value.clone());
            if let Some(reason) = &line.reason {
                reasons.insert(line.key.to_owned(), reason.as_str().into());
            }
        }
        for List { key, rows, .. } in &self.lists {
            document.insert((*key).to_owned(), rows.iter().cloned().map(Value::Object).collect());
        }
        if !self.finding.is_empty() {
            document.insert("finding".to_owned(), self.finding.as_str().into());
        }
        document.insert("reasons".to_owned(), Value::Object(reasons));
        document.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_and_document_say_the_same() {
        let mut answer = Answer::default();
        answer.given("mass", 1e-4);
        answer.value("t_star", 8.125, "size in bulk sd");
        answer.maybe("kl_cap", Err::<f64, _>("it blocks at every KL".to_owned()), "largest KL");
        answer.list("trainers", &["trainer", ">advantage"], vec![vec!["grpo".into(), 2.5.into()]]);
        answer.finding("So it goes.");
        let text = answer.text(Style::new(false));
        assert!(text.starts_with("mass 0.0001\n\nname    value  meaning\nt_star  8.125  size"), "{text}");
        assert!(text.contains("kl_cap      –  largest KL (none: it blocks at every KL)"), "{text}");
        assert!(
            text.contains("trainer  advantage\ngrpo         2.500") && text.ends_with("So it goes.\n"),
            "{text}"
        );
        let json = serde_json::to_value(&answer).unwrap();
        let expected = serde_json::json!({
            "mass": 1e-4, "t_star": 8.125, "kl_cap": null, "trainers": [{"trainer": "grpo", "advantage": 2.5}],
            "finding": "So it goes.", "reasons": {"kl_cap": "it blocks at every KL"}
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn what_is_no_number_is_null() {
        let mut answer = Answer::default();
        answer.value("x", f64::NAN, "never");
        assert!(serde_json::to_value(&answer).unwrap()["x"].is_null());
    }
}
