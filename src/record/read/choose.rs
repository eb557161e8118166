//! Which of the files that were found are read, and what their reward is. A file that someone named is read or refused; one
//! that was found in a folder may be left out, and is told.

use super::cell::Kind;
use super::error::Error;
use super::files::Found;
use super::format::Format;
use super::format::{columns, format, scan};
use super::guessed::{Chosen, guessed};
use super::log::LeftOut;
use super::names::{STEP, has_outcome, pick, sign_of_rollouts};
use super::no_rollouts::NoRollouts;
use super::options::LogOptions;
use super::reward::RewardSpec;
use super::roles::missing;
use super::unfold::Unfold;
use std::path::Path;
use std::rc::Rc;

/// Files of a folder for each that lacks what they have, from which on it is left out.
const MOSTLY: usize = 4;

/// What is read, and what is not.
#[derive(Debug)]
pub(super) struct Choice {
    pub files: Vec<Chosen>,
    /// Without terms where rows are step means and no column is clearly the reward.
    pub reward: RewardSpec,
    /// Whether the reward is but the only candidate, so that a column that is named like one comes before it.
    pub guessed: bool,
    pub left_out: Vec<LeftOut>,
}

/// Looks at the first rows of all files.
pub(super) fn choose(found: Vec<Found>, options: &LogOptions) -> Result<Choice, Error> {
    let mut left_out = Vec::new();
    let mut files = looked_at(found, options, &mut left_out)?;
    if files.is_empty() {
        let path = left_out.first().map(|file| file.path.clone()).unwrap_or_default();
        return Err(Error::Empty { path, what: "none of the files holds a row" });
    }
    rollouts_only(&mut files, &mut left_out);
    let (reward, guessed) = match &options.reward {
        Some(reward) => (reward.clone(), options.guessed),
        None => {
            without_pairs(&mut files, &mut left_out)?;
            guessed(&files)?
        }
    };
    if !reward.terms(None).is_empty() {
        with_reward(&mut files, &reward, &mut left_out)?;
    }
    without_evaluations(&mut files, &mut left_out);
    match &options.step {
        Some(step) => with_column(&mut files, step, &mut left_out)?,
        None => with_step(&mut files, &mut left_out),
    }
    if options.rows.is_none() {
        files.iter().try_for_each(|file| clear(file, &reward))?;
    }
    Ok(Choice { files, reward, guessed, left_out })
}

/// The files with their columns; empty and foreign ones of a folder left out.
fn looked_at(
    found: Vec<Found>,
    options: &LogOptions,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<Chosen>, Error> {
    let several = found.len() > 1;
    let newest = |at: usize| {
        let is_parquet = |file: &Found| format(&file.path) == Some(Format::Parquet);
        let folder = found.get(at).and_then(|file| file.path.parent());
        let after = found.get(at + 1..).unwrap_or_default();
        !after.iter().any(|file| is_parquet(file) && file.path.parent() == folder)
    };
    let mut files: Vec<Chosen> = Vec::with_capacity(found.len());
    for (at, Found { path, below }) in found.iter().enumerate() {
        let (present, rows) = match columns(path, options) {
            Ok(looked) => looked,
            Err(error) if several => match reason(&error, below.is_some(), newest(at)) {
                Some(reason) => {
                    left_out.push(LeftOut { path: path.clone(), reason });
                    continue;
                }
                None => return Err(error),
            },
            Err(error) => return Err(error),
        };
        // Files of one writer have the same columns: kept once.
        let present = match files.last() {
            Some(last) if *last.present == present => Rc::clone(&last.present),
            _ => Rc::new(present),
        };
        files.push(Chosen { path: path.clone(), present, single: rows == 1, below: below.clone() });
    }
    Ok(files)
}

/// Why a file among others may be left out, if it may.
pub(super) fn reason(error: &Error, in_folder: bool, newest: bool) -> Option<String> {
    match error {
        Error::Empty { what, .. } => Some(format!("the file is empty: {what}")),
        _ if !in_folder => None,
        Error::NoHeader { .. } => Some("it has no header".to_owned()),
        Error::Json { place, .. } if place.row == 0 => Some("it holds no JSON objects".to_owned()),
        Error::WhichArray { .. } => Some("it holds several arrays".to_owned()),
        Error::Parquet { .. } if newest => {
            Some("it is not complete, as the newest file of a run that goes on".to_owned())
        }
        _ => None,
    }
}

fn retain(
    files: &mut Vec<Chosen>,
    left_out: &mut Vec<LeftOut>,
    reason: &str,
    keep: impl Fn(&Chosen) -> bool,
) {
    files.retain(|file| {
        let kept = file.below.is_none() || keep(file);
        if !kept {
            left_out.push(LeftOut { path: file.path.clone(), reason: reason.to_owned() });
        }
        kept
    });
}

/// Beside rollouts, files of step means, settings and metadata are left out.
fn rollouts_only(files: &mut Vec<Chosen>, left_out: &mut Vec<LeftOut>) {
    let is_rollouts =
        |file: &Chosen| !file.present.means && sign_of_rollouts(&file.present.columns).is_some();
    if files.iter().any(is_rollouts) {
        let reason = "no column of single rollouts, as other files have";
        retain(files, left_out, reason, is_rollouts);
    }
    // A file of settings may hold a key that rollouts have as well.
    let has_text = |file: &Chosen| has_outcome(&file.present.columns);
    if files.iter().any(has_text) {
        let is_settings = |file: &Chosen| file.single && !has_text(file);
        let reason = "one row without the text of a rollout, which other files have";
        retain(files, left_out, reason, |file| !is_settings(file));
    }
}

/// Preference pairs are refused, or left out beside other files.
fn without_pairs(files: &mut Vec<Chosen>, left_out: &mut Vec<LeftOut>) -> Result<(), Error> {
    let of = |file: &Chosen| NoRollouts::pairs(&file.path, &file.present.columns);
    if files.iter().any(|file| of(file).is_none()) {
        retain(files, left_out, "preference pairs, and no rollouts of a policy", |file| of(file).is_none());
    }
    files.iter().find_map(of).map_or(Ok(()), |pairs| Err(Error::NoRollouts(pairs)))
}

/// Files without any of the reward's columns are left out where others have them.
fn with_reward(
    files: &mut Vec<Chosen>,
    reward: &RewardSpec,
    left_out: &mut Vec<LeftOut>,
) -> Result<(), Error> {
    let mut has = Vec::with_capacity(files.len());
    for file in files.iter() {
        has.push(has_reward(file, reward));
    }
    if !has.contains(&true) {
        // Rows may have it later on, if not the first hundred: what is read will tell.
        return Ok(());
    }
    let names: Vec<String> = reward.terms(None).iter().map(|term| format!("`{}`", term.column)).collect();
    let reason = format!("no column {}", names.join(" or "));
    let mut has = has.into_iter();
    let kept: Vec<bool> =
        files.iter().map(|file| has.next().unwrap_or(true) || file.below.is_none()).collect();
    let mut kept = kept.into_iter();
    files.retain(|file| {
        let kept = kept.next().unwrap_or(true);
        if !kept {
            left_out.push(LeftOut { path: file.path.clone(), reason: reason.clone() });
        }
        kept
    });
    Ok(())
}

/// Whether any row of a file has one of the reward's columns.
fn has_reward(file: &Chosen, reward: &RewardSpec) -> bool {
    let terms = reward.terms(Some(&file.present));
    if terms.iter().any(|term| file.present.has(term.column)) {
        return true;
    }
    if format(&file.path) != Some(Format::Json) || file.below.is_none() {
        return false;
    }
    // Keys of JSON records may come later than in the first hundred.
    let wanted: Vec<&str> = terms.iter().map(|term| term.column).collect();
    let mut seen = false;
    let stop = || Error::NoSuchRow { row: 0, rows: 0 };
    let _ = scan(&file.path, &file.present, &wanted, &mut |row| {
        seen = (0..wanted.len()).any(|i| (row.cell)(i).text().is_some());
        if seen { Err(stop()) } else { Ok(()) }
    });
    seen
}

/// Evaluations beside rollouts of training are left out.
fn without_evaluations(files: &mut Vec<Chosen>, left_out: &mut Vec<LeftOut>) {
    let is_evaluation = |file: &Chosen| file.below.as_deref().is_some_and(is_evaluation);
    if files.iter().any(|file| !is_evaluation(file)) {
        let reason = "an evaluation beside rollouts of training; name it to have it judged";
        retain(files, left_out, reason, |file| !is_evaluation(file));
    }
}

/// Whether a word of a path says evaluation.
pub(super) fn is_evaluation(below: &Path) -> bool {
    const WORDS: &[&str] = &["eval", "evals", "evaluation", "val", "valid", "validation", "test"];
    let name = below.to_string_lossy().to_ascii_lowercase();
    let stem = name.strip_suffix(".eval").unwrap_or(&name);
    stem.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        WORDS.contains(&word)
    })
}

/// Files of a folder without the step that was named are left out where others have it.
fn with_column(files: &mut Vec<Chosen>, name: &str, left_out: &mut Vec<LeftOut>) -> Result<(), Error> {
    let Some(lacking) = files.iter().find(|file| !file.present.has(name)) else { return Ok(()) };
    let error = missing(&lacking.path, &lacking.present, name);
    if lacking.below.is_none() || !files.iter().any(|file| file.present.has(name)) {
        return Err(error);
    }
    retain(files, left_out, &format!("no column `{name}`"), |file| file.present.has(name));
    files.iter().find(|file| !file.present.has(name)).map_or(Ok(()), |_| Err(error))
}

/// Files of a folder without a step column are left out where most have one.
fn with_step(files: &mut Vec<Chosen>, left_out: &mut Vec<LeftOut>) {
    let has = |file: &Chosen| pick(&file.present.columns, STEP, true).is_some();
    let lacking = files.iter().filter(|file| !has(file)).count();
    if lacking > 0 && MOSTLY * lacking <= files.len() {
        retain(files, left_out, "no column of the training step, as other files have", has);
    }
}

/// Refuses lists that may be a rollout's turns or rollouts.
fn clear(file: &Chosen, reward: &RewardSpec) -> Result<(), Error> {
    let Unfold::Unclear { completions, length, .. } = &file.present.unfold else { return Ok(()) };
    for term in reward.terms(Some(&file.present)) {
        let lists =
            file.present.columns.iter().any(|c| c.name == term.column && matches!(c.kind, Kind::List));
        if lists && term.function.is_none() {
            return Err(Error::TurnsOrRollouts {
                path: file.path.clone(),
                completions: completions.clone(),
                rewards: term.column.to_owned(),
                length: *length,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_are_told_by_words_of_their_path() {
        for path in
            ["eval/1.jsonl", "step_1/eval_gsm8k/t.jsonl", "val.csv", "eval-results_3.jsonl", "eval2/x.csv"]
        {
            assert!(is_evaluation(Path::new(path)), "{path}");
        }
        for path in ["train/1.jsonl", "evaluator_rewards.csv", "latest.jsonl", "medieval.csv", "log.eval"] {
            assert!(!is_evaluation(Path::new(path)), "{path}");
        }
    }
}
