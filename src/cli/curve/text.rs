//! The answer for people, in lines of 80 columns.

use super::Findings;
use crate::cli::console::Style;
use crate::cli::table::{Table, count, number, wrapped};
use crate::foundation::format::{cut, visible};
use crate::monitor::curve::{Curve, Pair, Role};

/// Columns of a line.
const WIDTH: usize = 80;
/// Characters of a column's name.
const NAME: usize = 26;
/// Changes of a column that are named.
const CHANGES: usize = 3;

pub(super) fn text(findings: &Findings, style: Style) -> String {
    let files = match findings.files.as_slice() {
        [one] => visible(&one.display().to_string()),
        files => format!("{} files", count(files.len())),
    };
    let steps = findings.curves.iter().filter_map(|(.., curve)| curve.as_ref().ok());
    let span = steps.fold(None::<(u64, u64)>, |span, curve| {
        let (first, last) = span.unwrap_or((curve.first_step, curve.last_step));
        Some((first.min(curve.first_step), last.max(curve.last_step)))
    });
    let span = span.map_or_else(String::new, |(first, last)| format!(", steps {first} to {last}"));
    let mut out = paragraph(&format!("{files}: step means{span}"), 0);
    if findings.runs > 1 {
        out.push_str(&paragraph(
            &format!(
                "Steps go back {} times: the runs that follow each other; the last is read.",
                findings.runs - 1
            ),
            0,
        ));
    }
    out.push('\n');
    out.push_str(&table(findings, style));
    for (name, _, curve) in &findings.curves {
        if let Ok(curve) = curve {
            out.push_str(&changes(name, curve));
        }
    }
    for pair in findings.pairs.iter().filter_map(|pair| pair.as_ref().ok()) {
        out.push('\n');
        out.push_str(&against(pair));
    }
    out.push('\n');
    out.push_str(&paragraph("Means hide single rollouts: what was rewarded is not in this file.", 0));
    out.push_str(&paragraph(&where_to_log(&findings.columns), 0));
    out
}

fn table(findings: &Findings, style: Style) -> String {
    let mut table = Table::new(&["column", ">means", ">start", ">end", ">spread", "trend"]).within(WIDTH);
    for (name, role, curve) in &findings.curves {
        // The end tells columns apart.
        let mut label = cut(&visible(name), NAME, NAME - 1);
        if *role == Role::Evaluation {
            label.push_str(" (e)");
        }
        let cells = match curve {
            Ok(curve) => [
                count(curve.n),
                number(curve.start),
                number(curve.end),
                number(curve.spread),
                match curve.trend.direction() {
                    1 => "rises".to_owned(),
                    -1 => "falls".to_owned(),
                    _ => "no trend".to_owned(),
                },
            ],
            Err(status) => {
                let none = || "–".to_owned();
                [none(), none(), none(), none(), status.to_string()]
            }
        };
        table.row([label].into_iter().chain(cells));
    }
    let mut out = table.render(style);
    out.push_str(&paragraph(
        "Start and end are means of the first and last tenth; spread is the deviation from one mean to the next; (e) is an \
         evaluation.",
        0,
    ));
    out
}

fn changes(name: &str, curve: &Curve) -> String {
    let shown = curve.changes.iter().take(CHANGES).map(|change| {
        format!("at step {} from {} to {}", change.step, number(change.before), number(change.after))
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() {
        return String::new();
    }
    let more = match curve.changes.len().saturating_sub(CHANGES) {
        0 => String::new(),
        more => format!(" and {more} times more"),
    };
    format!("\n{}", paragraph(&format!("{} changes its level {}{more}.", visible(name), shown.join(", ")), 0))
}

fn against(pair: &Pair) -> String {
    let (reward, evaluation) = (visible(&pair.reward), visible(&pair.evaluation));
    let line = match (&pair.parting, pair.spearman) {
        (Some(parting), _) => format!(
            "{reward} and {evaluation} part at step {}: from there on {reward} rises from {} to {}, and {evaluation} falls from its \
             best, {}, to {}.",
            parting.step,
            number(parting.reward[0]),
            number(parting.reward[1]),
            number(parting.evaluation[0]),
            number(parting.evaluation[1])
        ),
        (None, Some(rho)) => format!(
            "{reward} and {evaluation} at {} common steps: Spearman correlation {}; no step from which one rises and the other \
             falls.",
            count(pair.n),
            number(rho)
        ),
        (None, None) => format!("{reward} or {evaluation} is constant: they are not compared."),
    };
    paragraph(&line, 0)
}

/// Where the trainer that wrote these columns logs rollouts.
pub(super) fn where_to_log(columns: &[String]) -> String {
    let any = |starts: &[&str]| columns.iter().any(|name| starts.iter().any(|start| name.starts_with(start)));
    let verl = any(&["critic/", "actor/", "val-core/", "response_length/", "global_seqlen/"]);
    let trl = any(&["train/rewards/", "rewards/", "completions/", "train/completions/", "clip_ratio"]);
    let (of_trl, of_verl) = (
        "TRL: log_completions=True, logging_steps=1, then OUTPUT_DIR/completions",
        "verl: trainer.rollout_data_dir=DIR, then DIR",
    );
    let how = match (trl, verl) {
        (true, false) => of_trl.to_owned(),
        (false, true) => of_verl.to_owned(),
        _ => format!("{of_trl}; {of_verl}"),
    };
    format!("To have rollouts judged, log them ({how}) and run `tailcatch detect` on that folder.")
}

fn paragraph(text: &str, by: usize) -> String {
    wrapped(text, WIDTH - by).iter().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}
