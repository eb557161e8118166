//! Which column names the run of a row.

use super::error::Error;
use super::format::scan;
use super::guessed::Chosen;
use super::names::{PERHAPS_RUN, RUN, STEP, pick};
use super::options::LogOptions;
use std::collections::HashMap;

/// Rows in which a column that has another value in each names rollouts and no runs, and the fewest that tell.
const ROWS: usize = 256;
const FEWEST: usize = 8;
/// Most runs that a column may name that need not name runs, and the fewest rows of each.
const RUNS: usize = 16;
const ROWS_EACH: usize = 20;

/// The column of the run, the same in all files: by its name, unless each row has its own, or, of a `whole` log, a column in each of
/// whose few values the steps begin anew.
pub(super) fn run_column(
    files: &[Chosen],
    options: &LogOptions,
    whole: bool,
) -> Result<Option<String>, Error> {
    let Some(first) = files.first() else { return Ok(None) };
    if let Some(name) = pick(&first.present.columns, RUN, false) {
        return Ok(if names_rollouts(first, &name)? { None } else { Some(name) });
    }
    let step = options.step.clone().or_else(|| pick(&first.present.columns, STEP, true));
    let Some(step) = step.filter(|_| whole) else { return Ok(None) };
    for name in PERHAPS_RUN {
        let Some(name) = pick(&first.present.columns, &[name], false) else { continue };
        let everywhere = files.iter().all(|file| file.present.has(&name) && file.present.has(&step));
        if everywhere && begins_anew(files, &name, &step)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Whether the first rows all have another value.
fn names_rollouts(file: &Chosen, name: &str) -> Result<bool, Error> {
    let (mut seen, mut again) = (Vec::new(), false);
    stopped(scan(&file.path, &file.present, &[name], &mut |row| {
        let value = row.identity(0);
        again |= seen.contains(&value);
        seen.push(value);
        if again || seen.len() == ROWS { Err(stop()) } else { Ok(()) }
    }))?;
    Ok(!again && seen.len() >= FEWEST)
}

/// What was seen of a value.
struct Stretch {
    rows: usize,
    first: u64,
    last: u64,
}

/// Whether a column has few values, and the steps of each cover those of the others by half.
fn begins_anew(files: &[Chosen], name: &str, step: &str) -> Result<bool, Error> {
    let mut values: HashMap<u64, Stretch> = HashMap::new();
    let (mut lost, mut last, mut stretches) = (false, None, 0);
    for file in files {
        stopped(scan(&file.path, &file.present, &[name, step], &mut |row| {
            let Ok(step) = row.step(1, step) else { return Ok(()) };
            let value = row.identity(0);
            // The numbers of a group's rollouts change from row to row, runs follow each other.
            stretches += usize::from(last.replace(value) != Some(value));
            let known = values.entry(value).or_insert(Stretch { rows: 0, first: step, last: step });
            known.rows += 1;
            (known.first, known.last) = (known.first.min(step), known.last.max(step));
            lost = values.len() > RUNS || stretches > 2 * RUNS;
            if lost { Err(stop()) } else { Ok(()) }
        }))?;
        if lost {
            return Ok(false);
        }
    }
    let all: Vec<&Stretch> = values.values().collect();
    let long = |own: &Stretch| own.last - own.first;
    let anew = |a: &Stretch, b: &Stretch| {
        let common = a.last.min(b.last).saturating_sub(a.first.max(b.first));
        common > 0 && 2 * common >= long(a).min(long(b))
    };
    let enough = all.len() >= 2
        && stretches <= 2 * all.len()
        && all.iter().all(|own| own.rows >= ROWS_EACH && long(own) > 0);
    Ok(enough && all.iter().enumerate().all(|(i, a)| all[..i].iter().all(|b| anew(a, b))))
}

/// Ends a scan early: no error of the file.
fn stop() -> Error {
    Error::NoSuchRow { row: 0, rows: 0 }
}

fn stopped<T>(scanned: Result<T, Error>) -> Result<(), Error> {
    match scanned {
        Ok(_) | Err(Error::NoSuchRow { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LogOptions, open_log};
    use std::fmt::Write as _;

    /// The runs that a log of two stretches of 20 steps of 4 rows is told to hold.
    fn runs(head: &str, value: &dyn Fn(u64, u64, u64) -> String, begin: u64) -> usize {
        let mut text = format!("step,prompt,reward,{head}\n");
        for run in 0..2u64 {
            for step in 0..20 {
                for row in 0..4 {
                    let _ = writeln!(
                        text,
                        "{},p,{}.5,{}",
                        step + begin * run,
                        (row * 7 + step) % 5,
                        value(run, step, row)
                    );
                }
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        std::fs::write(&path, text).unwrap();
        open_log(&[path], &LogOptions::default()).unwrap().meta.runs
    }

    #[test]
    fn a_run_is_named_or_begins_anew() {
        let own = |run: u64, _: u64, _: u64| format!("r{run}");
        assert_eq!(runs("run_name", &own, 0), 2);
        assert_eq!(runs("exp_name", &own, 20), 2, "named");
        assert_eq!(runs("seed", &own, 0), 2);
        assert_eq!(runs("model", &own, 0), 2);
        assert_eq!(runs("model", &own, 20), 1, "one after the other: one run whose model has another name");
        assert_eq!(runs("seed", &|_, step, row| format!("{}", step * 4 + row), 0), 1, "a seed each");
        let each = |run: u64, step: u64, row: u64| format!("{run}-{step}-{row}");
        assert_eq!(runs("run_id", &each, 0), 1, "the name of a rollout");
        assert_eq!(runs("seed", &|_, _, row| format!("{row}"), 0), 1, "the number within a group");
        assert_eq!(runs("temperature", &own, 0), 1);
    }
}
