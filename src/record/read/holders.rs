//! Whose are the largest rewards of a log? A second pass over its files, by prompt and completion.

use super::error::Error;
use super::format::{columns, scan};
use super::log::LogMeta;
use super::reward::Term;
use super::roles::Roles;
use crate::foundation::binomial;
use std::collections::{HashMap, HashSet};

/// Most prompts that are told apart.
const MOST_PROMPTS: usize = 100_000;

/// Who holds the largest values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Holders {
    /// By prompt, where every file names it and there are at most 100,000 of them.
    pub prompts: Option<Prompts>,
    /// The rows at the one value that was asked for.
    pub equal: Equal,
}

/// The excesses by prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prompts {
    /// Distinct prompts.
    pub distinct: usize,
    /// Rows.
    pub rows: usize,
    /// Rows above the threshold.
    pub above: usize,
    /// Most rows above the threshold that one prompt has.
    pub most: usize,
    /// All rows of that prompt.
    pub rows_of_most: usize,
}

impl Prompts {
    /// The share of the excesses that one prompt has, where that is a quarter or more, twice its share of the rows and beyond
    /// chance (binomial, .001 over all prompts).
    pub fn dominated(&self) -> Option<f64> {
        let share = self.most as f64 / self.above.max(1) as f64;
        let expected = self.rows_of_most as f64 / self.rows.max(1) as f64;
        if self.distinct < 2 || share < 0.25 || share < 2.0 * expected {
            return None;
        }
        let p = binomial::sf(self.above as u64, expected, self.most as u64 - 1) * self.distinct as f64;
        (p <= 1e-3).then_some(share)
    }
}

/// Rows of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Equal {
    /// How many there are.
    pub rows: usize,
    /// Their distinct completions; `None` where a file has no completions.
    pub completions: Option<usize>,
}

/// Reads who holds the rewards of a log above `above`, and those that equal `at`.
///
/// # Errors
/// As [`super::read_column`].
pub fn read_holders(meta: &LogMeta, above: f64, at: Option<f64>) -> Result<Holders, Error> {
    let mut of_prompt: Option<HashMap<u64, (usize, usize)>> = Some(HashMap::new());
    let mut completions: Option<HashSet<u64>> = Some(HashSet::new());
    let mut equal = 0;
    for file in &meta.files {
        let (present, _) = columns(file, &meta.options)?;
        let roles = Roles::of(&present, &meta.reward, &meta.options);
        let terms: Vec<Term<'_>> =
            (meta.reward.terms(Some(&present)).into_iter()).filter(|term| present.has(term.column)).collect();
        let mut wanted: Vec<&str> = terms.iter().map(|term| term.column).collect();
        let prompt = roles.prompt.as_ref().map(|_| wanted.len());
        wanted.extend(roles.prompt.as_deref());
        let completion = roles.completion.as_ref().map(|_| wanted.len());
        wanted.extend(roles.completion.as_deref());
        if prompt.is_none() && completion.is_none() {
            return Ok(Holders::default());
        }
        if prompt.is_none() {
            of_prompt = None;
        }
        if completion.is_none() {
            completions = None;
        }
        scan(file, &present, &wanted, &mut |row| {
            let cells: Vec<_> = (0..terms.len()).map(row.cell).collect();
            let parts = terms.iter().zip(&cells);
            let parts = parts.filter_map(|(term, cell)| Some(term.weight * term.value(cell).ok().flatten()?));
            let Some(value) = parts.reduce(|sum, part| sum + part) else { return Ok(()) };
            if let (Some(map), Some(prompt)) = (&mut of_prompt, prompt) {
                let (rows, excesses) = map.entry(row.identity(prompt)).or_default();
                *rows += 1;
                *excesses += usize::from(value > above);
                if map.len() > MOST_PROMPTS {
                    of_prompt = None;
                }
            }
            if at == Some(value) {
                equal += 1;
                if let (Some(known), Some(completion)) = (&mut completions, completion) {
                    known.insert(row.identity(completion));
                }
            }
            Ok(())
        })?;
    }
    let prompts = of_prompt.and_then(|map| {
        let most = map.iter().max_by_key(|(key, (rows, above))| (*above, usize::MAX - *rows, **key))?.1;
        Some(Prompts {
            distinct: map.len(),
            rows: map.values().map(|(rows, _)| rows).sum(),
            above: map.values().map(|(_, above)| above).sum(),
            most: most.1,
            rows_of_most: most.0,
        })
    });
    Ok(Holders { prompts, equal: Equal { rows: equal, completions: completions.map(|known| known.len()) } })
}
