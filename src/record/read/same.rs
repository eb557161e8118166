//! Columns whose name does not say what they are: whether outcomes are few words, and whether what may be a completion is the truth
//! that all rollouts of a prompt are compared with.

use super::cell::{Column, Counts, Kind};
use super::names::{COMPLETION, may_be_completions, may_be_truth};
use super::names::{OUTCOME, PROMPT, pick};
use super::present::Present;
use super::row::Row;
use std::collections::{HashMap, HashSet};

/// Different words up to which outcomes are few, and rows for each of them.
const FEW: usize = 8;
const TIMES: usize = 4;

/// Visits the first rows with the cells of some columns.
type FirstRows<'a> = dyn Fn(&Present, &[String], &mut dyn FnMut(&Row<'_>)) + 'a;

/// Looks at the first rows of such columns.
pub(super) fn look_at_words(present: &mut Present, first_rows: &FirstRows<'_>) {
    let columns = &present.columns;
    let prompt = pick(columns, PROMPT, true);
    let mut completions = may_be_completions(columns);
    completions.retain(|name| prompt.as_ref() != Some(name));
    let outcome = pick(columns, OUTCOME, false).and_then(|name| columns.iter().find(|c| c.name == name));
    let numbers_tell = pick(columns, COMPLETION, true).is_none();
    let outcome = outcome.filter(|c| c.kind == Kind::Other || (c.kind == Kind::Number && !numbers_tell));
    let outcome: Vec<String> = outcome.map(|column| column.name.clone()).into_iter().collect();
    if let Some(prompt) = prompt.filter(|_| !completions.is_empty()) {
        let same = same(present, prompt, completions, first_rows);
        mark(&mut present.columns, &same, Counts::OfPrompt);
    }
    if !outcome.is_empty() {
        let (mut seen, mut rows) = (HashSet::new(), 0);
        first_rows(present, &outcome, &mut |row| {
            if (row.cell)(0).text().is_some() {
                seen.insert(row.identity(0));
                rows += 1;
            }
        });
        if seen.len() <= FEW && rows >= TIMES * seen.len() {
            mark(&mut present.columns, &outcome, Counts::Few);
        }
    }
}

fn mark(columns: &mut [Column], names: &[String], counts: Counts) {
    columns
        .iter_mut()
        .filter(|column| names.contains(&column.name))
        .for_each(|column| column.counts = counts);
}

/// Those of the columns that all rows of a prompt share. Where no prompt comes twice, those whose name may say the truth.
fn same(present: &Present, prompt: String, columns: Vec<String>, first_rows: &FirstRows<'_>) -> Vec<String> {
    let names: Vec<String> = std::iter::once(prompt).chain(columns).collect();
    let mut of: HashMap<(usize, u64), u64> = HashMap::new();
    let (mut differ, mut again) = (vec![false; names.len()], false);
    first_rows(present, &names, &mut |row| {
        let prompt = row.identity(0);
        for (at, differs) in differ.iter_mut().enumerate().skip(1) {
            let own = row.identity(at);
            if let Some(first) = of.get(&(at, prompt)) {
                (again, *differs) = (true, *differs || *first != own);
            } else {
                of.insert((at, prompt), own);
            }
        }
    });
    let told = names.into_iter().zip(differ).skip(1);
    told.filter(|(name, differs)| !differs && (again || may_be_truth(name))).map(|(name, _)| name).collect()
}
