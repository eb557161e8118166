//! The list as CSV, one rollout a row, for a spreadsheet in which readers note what they found.

use crate::foundation::format::visible;
use crate::monitor::reading::ListEntry;
use std::path::Path;

const HEAD: [&str; 14] = [
    "step",
    "file",
    "row",
    "line",
    "reward",
    "centre",
    "score",
    "rank",
    "expected_benign",
    "reference",
    "apart",
    "prompt",
    "completion",
    "reason",
];

/// The sheet as bytes; missing is empty. Cells of text that a spreadsheet would take for a formula begin with an apostrophe.
///
/// # Errors
/// The writer's own; there is none in memory.
pub fn sheet(list: &[ListEntry]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEAD)?;
    for entry in list {
        let text = |text: &Option<String>| plain(text.as_deref().unwrap_or_default());
        writer.write_record([
            entry.step.to_string(),
            plain(&name(&entry.file)),
            entry.row.to_string(),
            entry.line.map_or_else(String::new, |line| line.to_string()),
            entry.reward.to_string(),
            entry.centre.to_string(),
            entry.score.to_string(),
            entry.rank.to_string(),
            format!("{:.2}", entry.expected_benign),
            entry.reference.to_string(),
            entry.apart.to_string(),
            text(&entry.prompt),
            text(&entry.completion),
            plain(&entry.reason),
        ])?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

/// A text that no spreadsheet evaluates and no terminal obeys: control characters are spelled out, but for line breaks.
fn plain(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(visible).collect();
    let quote = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("{quote}{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_evaluate_is_quoted() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)"] {
            assert_eq!(plain(formula), format!("'{formula}"));
        }
        assert_eq!((plain("\tx").as_str(), plain("\r=1").as_str()), ("'\\tx", "'\\r=1"));
        assert_eq!(plain("a=1"), "a=1");
        assert_eq!(plain("two\nlines \u{1b}[2J"), "two\nlines \\u{1b}[2J");
        assert_eq!(sheet(&[]).unwrap(), format!("{}\n", HEAD.join(",")).into_bytes());
    }
}
