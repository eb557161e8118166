//! The reward of a log for which nobody named one: what its files agree on, or a refusal with the choices.

use super::cell::{SAMPLE, words_hash};
use super::error::{Error, Place};
use super::format::{Format, first_numbers, format, scan};
use super::means::{StepMeans, may_be_means};
use super::names::{PROXY, RUN, pick};
use super::present::Present;
use super::reward::RewardSpec;
use super::roles::{Guess, guess, numeric, text_before};
use super::row::shortened;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Rows from which on a column is said to count on.
const FEWEST: usize = 8;

/// A file that is read.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub path: PathBuf,
    pub present: Rc<Present>,
    /// Whether it holds one row.
    pub single: bool,
    /// Its path below the folder in which it was found.
    pub below: Option<PathBuf>,
}

/// The reward that the files agree on, and whether nothing but its being the only candidate speaks for it.
pub(super) fn guessed(files: &[Chosen]) -> Result<(RewardSpec, bool), Error> {
    let mut text = None;
    let mut guesses: Vec<Guess> = Vec::with_capacity(files.len());
    for file in files {
        let guess = guess(&file.present);
        let instead =
            text_before(&file.present, &guess).and_then(|column| match text_reward(file, &column) {
                Ok(()) => Some(Guess::Known(column)),
                Err(error) => {
                    text.get_or_insert((column, error));
                    None
                }
            });
        guesses.push(instead.unwrap_or(guess));
    }
    let known = guesses.iter().find_map(|guess| match guess {
        Guess::Known(name) => Some(name),
        _ => None,
    });
    let all_means = || -> Result<bool, Error> {
        files.iter().try_fold(true, |all, file| Ok(all && is_means(&file.path, &file.present)?))
    };
    match text {
        // What another file knows as the reward is refused where the text stands.
        Some((column, error)) if known != Some(&column) && !all_means()? => return Err(error),
        _ => {}
    }
    if let Some(name) = known {
        return Ok((RewardSpec::Column(name.clone()), false));
    }
    let unclear =
        guesses.iter().position(|guess| matches!(guess, Guess::Unclear(names) if !names.is_empty()));
    let mut only: Vec<&String> = guesses
        .iter()
        .filter_map(|guess| match guess {
            Guess::Only(name) => Some(name),
            _ => None,
        })
        .collect();
    only.dedup();
    if let (None, [name, rest @ ..]) = (unclear, only.as_slice())
        && rest.iter().all(|other| other == name)
    {
        return Ok((RewardSpec::Column((*name).clone()), true));
    }
    let at = unclear.unwrap_or(0);
    let (false, Some(file), Some(guess)) = (all_means()?, files.get(at), guesses.get(at)) else {
        return Ok((RewardSpec::Weighted(Vec::new()), false));
    };
    let guess = match guess {
        Guess::Only(_) => Guess::Unclear(only.into_iter().cloned().collect()),
        other => other.clone(),
    };
    if let (Guess::Unclear(names), Some(late)) = (&guess, late_reward(file))
        && names.is_empty()
    {
        return Err(late);
    }
    Err(guess.refused(&file.path, &file.present, |names| count_on(file, names)))
}

/// Where a column that is named like a reward begins, of JSON records whose first rows lack it.
fn late_reward(file: &Chosen) -> Option<Error> {
    if format(&file.path) != Some(Format::Json) {
        return None;
    }
    let wanted: Vec<&str> = PROXY.iter().copied().filter(|name| !file.present.has(name)).collect();
    let mut found = None;
    let stop = || Error::NoSuchRow { row: 0, rows: 0 };
    let _ = scan(&file.path, &file.present, &wanted, &mut |row| {
        let at = (0..wanted.len()).find(|i| (row.cell)(*i).number().is_some());
        let Some(column) = at.and_then(|i| wanted.get(i)) else { return Ok(()) };
        found = Some(Error::LateReward { place: row.place(), column: (*column).to_owned(), guessed: None });
        Err(stop())
    });
    found
}

/// Whether the numbers of some columns go up, or stay, from row to row, as a step's do.
fn count_on(file: &Chosen, names: &[String]) -> Vec<bool> {
    let counts = |numbers: &Vec<f64>| {
        numbers.is_sorted() && numbers.last() > numbers.first() && numbers.len() >= FEWEST
    };
    first_numbers(&file.path, &file.present, names).iter().map(counts).collect()
}

/// Whether a column that is named like a reward and seems to hold text holds numbers that are written as text; else the refusal.
fn text_reward(file: &Chosen, column: &str) -> Result<(), Error> {
    const SHOWN: usize = 2;
    let (mut values, mut numbers, mut first): (Vec<String>, usize, Option<Place>) = (Vec::new(), 0, None);
    let mut rows = 0;
    let stop = || Error::NoSuchRow { row: 0, rows: 0 };
    let _ = scan(&file.path, &file.present, &[column], &mut |row| {
        let cell = (row.cell)(0);
        rows += 1;
        match cell.parse() {
            Ok(number) => numbers += usize::from(number.is_some()),
            Err(_) => {
                first.get_or_insert_with(|| row.place());
                let shown = cell.text().map(|text| shortened(&String::from_utf8_lossy(&text)));
                values.extend(shown.filter(|shown| values.len() < SHOWN && !values.contains(shown)));
            }
        }
        if rows >= SAMPLE { Err(stop()) } else { Ok(()) }
    });
    if values.is_empty() && numbers > 0 {
        return Ok(());
    }
    let others = numeric(&file.present);
    let (path, column) = (file.path.clone(), column.to_owned());
    Err(Error::TextReward { path, column, first: first.map(Box::new), values, numbers, others })
}

/// Whether a file without a clear reward column holds step means, so that there is no reward to look for.
fn is_means(path: &Path, present: &Present) -> Result<bool, Error> {
    let Some((counter, each)) = may_be_means(present, None) else { return Ok(false) };
    if present.means {
        return Ok(true);
    }
    let run = pick(&present.columns, RUN, false);
    let mut wanted = vec![counter.as_str()];
    wanted.extend(each.as_deref());
    wanted.extend(run.as_deref());
    let mut means = StepMeans::default();
    scan(path, present, &wanted, &mut |row| {
        if let Some(step) = row.counter(0) {
            let of = (1..wanted.len()).map(|i| row.identity(i));
            means.see(of.fold(0, |of, own| words_hash([of, own])), step);
        }
        Ok(())
    })?;
    Ok(means.holds())
}
