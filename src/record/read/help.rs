//! What to do about a file of rewards that cannot be read.

use super::bookkeeping::is_other;
use super::error::Error;
use super::json_shape::DATA;
use super::no_reward::{is_no_reward, of_evaluation, passed_over};
use super::quoted::quoted;
use crate::foundation::nearest::nearest;
use std::path::Path;

/// The candidates, those with `reward` or `score` in their name first, without those whose name says that they are something else.
fn likely_first(candidates: &[String]) -> Vec<&String> {
    let likely = |name: &&String| name.contains("reward") || name.contains("score");
    let may_be = candidates.iter().filter(|name| !is_other(name));
    let (mut first, rest): (Vec<&String>, Vec<&String>) = may_be.partition(likely);
    first.extend(rest);
    first
}

/// A column as `--reward` takes it; one whose name holds what separates terms must be renamed.
fn reward(name: &str) -> String {
    match name {
        _ if name.contains([',', '=']) => {
            format!(
                "name it with --reward once it is renamed: `{name}` holds `,` or `=`, which separate columns and weights there"
            )
        }
        _ => format!("name it with `{}`", flag(name)),
    }
}

/// `--reward` with this value.
fn flag(value: &str) -> String {
    let between = if value.starts_with('-') { '=' } else { ' ' };
    format!("--reward{between}{}", quoted(value))
}

/// Files that are not read, by how their names end, and a command that reads them all the same; `{}` is the file.
const OTHERWISE: &[(&str, &str)] = &[
    (".zip", "unzip -p {} | tailcatch detect -"),
    (".bz2", "bzip2 -dc {} | tailcatch detect -"),
    (".xz", "xz -dc {} | tailcatch detect -"),
    (".lz4", "lz4 -dc {} | tailcatch detect -"),
    (".tar.gz", "tar -xzOf {} | tailcatch detect -"),
    (".tgz", "tar -xzOf {} | tailcatch detect -"),
    (".tar", "tar -xOf {} | tailcatch detect -"),
    (".arrow", "python -c \"import datasets as d; d.Dataset.from_file('{}').to_parquet('log.parquet')\""),
    (".feather", "python -c \"import pandas as p; p.read_feather('{}').to_parquet('log.parquet')\""),
    (".xlsx", "python -c \"import pandas as p; p.read_excel('{}').to_csv('log.csv', index=False)\""),
    (".db", "sqlite3 -header -csv {} 'select * from TABLE' | tailcatch detect -"),
    (".sqlite", "sqlite3 -header -csv {} 'select * from TABLE' | tailcatch detect -"),
    (".txt", "tailcatch detect - < {}"),
    (".log", "tailcatch detect - < {}"),
];

/// A command that reads a file whose name says no format that is read.
fn otherwise(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let file = path.display().to_string();
    let command = match path.extension() {
        None => Some("tailcatch detect - < {}"),
        Some(_) => OTHERWISE.iter().find(|(end, _)| name.ends_with(end)).map(|(_, command)| *command),
    }?;
    let file = if command.contains("'{}'") { file } else { quoted(&file) };
    Some(command.replace("{}", &file))
}

/// What a column of rewards that holds text should hold.
fn of_text(column: &str, values: &[String], numbers: usize) -> String {
    let all = |fits: &dyn Fn(&String) -> bool| !values.is_empty() && values.iter().all(fits);
    if values.is_empty() {
        return "write the column as 32- or 64-bit floats".to_owned();
    }
    if all(&|value| value.starts_with('{')) {
        return format!(
            "the text is JSON: `jq -c '.[\"{column}\"] |= fromjson' LOG > log.jsonl` makes objects of it"
        );
    }
    if all(&|value| value.starts_with("tensor(")) {
        return "log the number of the tensor, as `reward.item()` gives it".to_owned();
    }
    if all(&|value| value.ends_with('%')) {
        return "write the numbers without `%`".to_owned();
    }
    if all(&|value| value.chars().any(|c| c.is_ascii_digit())) {
        return "write plain numbers with a point, without signs of thousands, units or brackets".to_owned();
    }
    if numbers > 0 {
        return "leave these cells empty, so that their rows are left out".to_owned();
    }
    "write 1 and 0 in their place".to_owned()
}

/// The other columns that could be named in place of one that cannot be read.
fn instead(others: &[String]) -> String {
    match others {
        [] => ", or name another column with --reward".to_owned(),
        [one] => format!(", or name another column: `{}`", flag(one)),
        [one, ..] => {
            format!(
                ", or name another column, as `{}`; the numeric columns are {}",
                flag(one),
                listed(others)
            )
        }
    }
}

/// What is done about candidates that are keys of rows or parts of one reward.
fn of_keys(candidates: &[String], columns: &[String]) -> Option<String> {
    const MANY: usize = 20;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let share = |fits: &dyn Fn(&String) -> bool| {
        candidates.len() >= MANY
            && 10 * candidates.iter().filter(|name| fits(name)).count() >= 9 * candidates.len()
    };
    if share(&|name| name.rsplit('/').next().is_some_and(is_number)) {
        return Some(
            "the keys are numbers of rows, as `to_json()` of pandas writes them: write the log with `df.to_json('log.jsonl', \
             orient='records', lines=True)`"
                .to_owned(),
        );
    }
    let leaf = |name: &String| name.split_once('/').map(|(_, leaf)| leaf.to_owned());
    if let Some(first) = candidates.first().and_then(leaf)
        && share(&|name| leaf(name).as_ref() == Some(&first))
    {
        let each = if first.starts_with("*/") { ".[][]" } else { ".[]" };
        return Some(format!(
            "each key holds rows: `jq -c '{each}' LOG > log.jsonl` puts them below each other"
        ));
    }
    // A list of named parts is one rollout's.
    let [one] = candidates else { return None };
    let (list, _) = one.split_once("/*/")?;
    let named = ["name", "key", "type", "metric", "func", "function"]
        .iter()
        .any(|key| columns.iter().any(|column| *column == format!("{list}/*/{key}")));
    let part = |number: &str| one.replacen('*', number, 1);
    named.then(|| {
        format!(
            "`{list}` holds the parts of a rollout's reward: add them up with `{}`",
            flag(&format!("{}=1,{}=1", part("0"), part("1")))
        )
    })
}

/// Column names for an error: all of them, or the first thirty.
fn listed(columns: &[String]) -> String {
    const SHOWN: usize = 30;
    let head = columns.iter().take(SHOWN).map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
    match columns.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{head} and {more} more"),
        _ => head,
    }
}

impl Error {
    /// What to do next.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::Io { .. } => return None,
            Self::Spool { .. } => {
                "logs of more than about a million rows are kept there: free some space, or name another folder in the \
                 environment variable TMPDIR"
                    .to_owned()
            }
            Self::NoSuchRow { .. } => "rows count from 0".to_owned(),
            Self::NotFound { .. } => "check the path; it is taken relative to the current folder".to_owned(),
            Self::NotRegular { .. } => {
                "write it to a file and watch that; `tailcatch detect` reads a pipe to its end".to_owned()
            }
            Self::NoMatch { .. } => {
                "`*` and `?` are understood in the file name only, not in a folder's name".to_owned()
            }
            Self::UnknownExtension { path, .. } if let Some(command) = otherwise(path) => {
                format!("`{command}` {}", if command.ends_with("')\"") { "makes a file that is read" } else { "reads it" })
            }
            Self::NoLogInFolder { .. } | Self::UnknownExtension { .. } => {
                "logs are read from .csv and .tsv (with a header), .jsonl (one object a line), .json, .parquet and .eval \
                 files, the text ones also as .gz and .zst, and from standard input as `-`"
                    .to_owned()
            }
            Self::ParquetDisabled { .. } => {
                "rebuild with `--features parquet`, or convert the file to CSV or JSON Lines".to_owned()
            }
            Self::Empty { .. } => "check that the run that should have written it did finish".to_owned(),
            Self::NotUtf8 { place } => format!(
                "save it as UTF-8: `iconv -f ENCODING -t UTF-8 {}`, with the ENCODING that it was written in (WINDOWS-1252, GB18030, \
                 SHIFT_JIS …)",
                quoted(&place.file.display().to_string())
            ),
            Self::Ragged { .. } => {
                "quote cells that contain a comma or a line break, and remove a half-written last row"
                    .to_owned()
            }
            Self::OpenQuote { .. } => {
                "write quotes within a cell twice (`\"\"`), and put cells that hold one between quotes, as any CSV library does"
                    .to_owned()
            }
            Self::CarriageReturns { path } => {
                format!("`tr '\\r' '\\n' < {} | tailcatch detect -` reads it", quoted(&path.display().to_string()))
            }
            Self::NoHeader { .. } => {
                "put a first line with the column names, for example `reward`".to_owned()
            }
            Self::Json { place, message } if message.contains("trailing characters") => format!(
                "several records on a line: `jq -c . {} > log.jsonl` gives each its own",
                quoted(&place.file.display().to_string())
            ),
            Self::Json { place, message } if message.ends_with("holds an array") && place.row == 0 => format!(
                "a table without names: `jq -r '.[] | @csv' {} > log.csv`, and put a line with the names of its columns before it",
                quoted(&place.file.display().to_string())
            ),
            Self::Json { place, message } if message.starts_with("EOF while parsing") && place.row == 0 => format!(
                "records over several lines, or one that is half-written: `jq -c . {} > log.jsonl` gives each its own line",
                quoted(&place.file.display().to_string())
            ),
            Self::Json { place, message } if message.ends_with("does not belong here") => format!(
                "the text is no JSON from this place on: correct it there; `jq . {}` names the place too",
                quoted(&place.file.display().to_string())
            ),
            Self::MoreFollows { place, key } => {
                let rows = match key.as_str() {
                    DATA => String::new(),
                    key => format!(
                        ", or put the rows below each other: `jq -c '.[\"{key}\"][]' {} > log.jsonl`",
                        quoted(&place.file.display().to_string())
                    ),
                };
                format!("give each object its own file{rows}")
            }
            Self::Json { .. } => {
                "JSON Lines holds one complete object a line; correct or drop this one, which may be half-written"
                    .to_owned()
            }
            Self::Codec { .. } => {
                "write the file anew with zstd, snappy, lz4 or no compression".to_owned()
            }
            Self::Parquet { .. } => {
                "the file may be cut off or still being written; copy it again".to_owned()
            }
            Self::NotANumber { value, .. } if value.split_once(',').is_some_and(|(a, b)| (a.to_owned() + b).parse::<u64>().is_ok()) => {
                "its comma may stand between thousands or before a fraction: write numbers with a point, and without thousands".to_owned()
            }
            Self::NotANumber { .. } => "correct or drop this row, or name another column".to_owned(),
            Self::NotFinite { .. } => {
                "drop or clip these rows first: they have no place in a tail".to_owned()
            }
            Self::EmptyCell { .. } => "fill in the value, or drop this row".to_owned(),
            Self::NotAStep { .. } => {
                "name another column with --step COLUMN, or leave rows without a step out".to_owned()
            }
            Self::MissingColumn { column, columns, .. } => {
                // A mask is not proposed for what was misspelled, unless a mask was asked for.
                let may_be = |name: &&str| !is_no_reward(name) || is_no_reward(column);
                let near = nearest(column, columns.iter().map(String::as_str).filter(may_be))
                    .map(|name| format!("did you mean `{name}`? "))
                    .unwrap_or_default();
                let within: Vec<&String> =
                    columns.iter().filter(|name| name.starts_with(&format!("{column}/"))).collect();
                match within.as_slice() {
                    [] => format!("{near}the columns are {}", listed(columns)),
                    [one] => format!("it holds `{one}`: name that"),
                    several => {
                        let sum: Vec<String> = several.iter().map(|name| format!("{name}=1")).collect();
                        format!("it holds {} columns: name one, or a sum: `{}`", several.len(), quoted(&sum.join(",")))
                    }
                }
            }
            Self::RepeatedColumn { .. } => "give each column its own name".to_owned(),
            Self::TextReward { column, values, numbers, others, .. } => {
                of_text(column, values, *numbers) + &instead(others)
            }
            Self::LateReward { column, guessed, .. } => {
                let or = guessed.as_ref().map_or_else(String::new, |guessed| format!(" or `{}`", flag(guessed)));
                format!("name the reward with `{}`{or}; rows without it are left out", flag(column))
            }
            Self::WhichColumn { candidates, columns, .. } if let Some(help) = of_keys(candidates, columns) => help,
            Self::WhichColumn { candidates, columns, counters, .. } => {
                let step = match counters.first() {
                    Some(counter) => format!(", and the step with `--step {}`", quoted(counter)),
                    None => String::new(),
                };
                let evaluation = of_evaluation(columns);
                let known = evaluation.as_ref().map_or_else(String::new, |known| format!("{known}; "));
                let help = match (candidates.as_slice(), likely_first(candidates).as_slice()) {
                    ([], _) => match evaluation.is_none().then(|| passed_over(columns)).flatten() {
                        Some(passed) => format!(
                            "{passed}; log the reward beside each completion, or name its column with `--reward COLUMN`; the columns \
                             are {}",
                            listed(columns)
                        ),
                        None => format!("name one with `--reward COLUMN`; the columns are {}", listed(columns)),
                    },
                    ([one], _) => reward(one) + &step,
                    (_, [one, two, ..]) => format!(
                        "name one with `{}`, or a weighted sum with `{}`{step}; the numeric columns are {}",
                        flag(one),
                        flag(&format!("{one}=1,{two}=0.5")),
                        listed(candidates)
                    ),
                    (_, [one]) => format!(
                        "name one with `{}`{step}; the numeric columns are {}",
                        flag(one),
                        listed(candidates)
                    ),
                    (_, []) => format!(
                        "none of them is named like a reward: if one is, name it with `--reward COLUMN`{step}; they are {}",
                        listed(candidates)
                    ),
                };
                known + &help
            }
            Self::Lengths { .. } => {
                "name the reward's column with a function over its list, as `--reward 'sum(reward)'`".to_owned()
            }
            Self::TurnsOrRollouts { rewards, .. } => format!(
                "`--rows rollouts` reads each element as a rollout; `--reward 'sum({rewards})'`, or last(), max() or \
                 mean() of it, reads each line as one"
            ),
            Self::NoRollouts(rows) => rows.help(),
            Self::EpisodesGrow { .. } => "run `tailcatch detect` on the log now and then".to_owned(),
            Self::StepsOfEpisodes { episode, .. } => format!(
                "give one row for each `{episode}`, with its return and the training step; or say `--rows rollouts` if each row is \
                 a rollout"
            ),
            // Lists below an object are no rows.
            Self::List { column, .. } if column.contains('/') => {
                format!("say which number it gives: `--reward 'sum({column})'`, or last(), max() or mean() of it")
            }
            Self::List { column, .. } => format!(
                "say which number it gives: `--reward 'sum({column})'`, or last(), max() or mean() of it; `--rows \
                 rollouts` if each element is a rollout"
            ),
            Self::WhichArray { path, arrays } => {
                let key = arrays.first().map(String::as_str).unwrap_or_default();
                format!("give one of them its own file: `jq -c '.{key}[]' {} > log.jsonl`", path.display())
            }
            Self::Compressed { path, .. } if path.extension().is_some_and(|ending| ending == "eval") => {
                "the file may be cut off or still being written, or is none of Inspect's: copy it again".to_owned()
            }
            Self::Compressed { path, .. } => {
                let file = quoted(&path.display().to_string());
                let unpack = if file.trim_end_matches('\'').ends_with(".zst") { "zstd -dc" } else { "gzip -dc" };
                format!(
                    "the file may be cut off or still being written: copy it again, or `{unpack} {file} | tailcatch detect -` reads what is there"
                )
            }
            Self::TooLarge { .. } => "raise the limit with `--max-expanded BYTES` if the file is trusted".to_owned(),
            Self::TooLong { .. } => "no rollout is that long: check that this is a log".to_owned(),
            Self::Bomb { .. } => {
                "write the file anew without this column, or without compression, if it is trusted".to_owned()
            }
            Self::NoValues { others, .. } => match others.as_slice() {
                [] => "no other column holds numbers: check that the run logged its rewards".to_owned(),
                [one, ..] => format!("name another column, as `{}`; the numeric columns are {}", flag(one), listed(others)),
            },
            Self::RewardSpec { .. } => {
                "write one column, `--reward score`, or weights, `--reward helpful=1,format=0.5`".to_owned()
            }
        };
        Some(text)
    }

    /// Whether the input is to blame, and not the machine.
    pub fn is_bad_input(&self) -> bool {
        !matches!(self, Self::Io { .. } | Self::Spool { .. })
    }
}
