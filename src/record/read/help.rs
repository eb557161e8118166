//! What to do about a file of rewards that cannot be read.

use super::error::Error;
use crate::foundation::nearest::nearest;

/// The candidates, those with `reward` or `score` in their name first.
fn likely_first(candidates: &[String]) -> Vec<&String> {
    let likely = |name: &String| name.contains("reward") || name.contains("score");
    let (mut first, rest): (Vec<&String>, Vec<&String>) = candidates.iter().partition(|name| likely(name));
    first.extend(rest);
    first
}

/// A name as a shell takes it.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=,:+@%".contains(c);
    if name.chars().all(plain) { name.to_owned() } else { format!("'{}'", name.replace('\'', "'\\''")) }
}

/// Packers whose files are not read, and what unpacks them.
const UNPACK: &[(&str, &str)] =
    &[(".zip", "unzip -p"), (".bz2", "bzip2 -dc"), (".xz", "xz -dc"), (".lz4", "lz4 -dc")];

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
            Self::UnknownExtension { path, extension } if UNPACK.iter().any(|(end, _)| end == extension) => {
                let unpack = UNPACK.iter().find(|(end, _)| end == extension).map_or("", |(_, with)| with);
                format!("unpack it on the way: `{unpack} {} | tailcatch detect -`", quoted(&path.display().to_string()))
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
            Self::NotUtf8 { .. } => {
                "save the file as UTF-8, for example `iconv -f LATIN1 -t UTF-8`".to_owned()
            }
            Self::Ragged { .. } => {
                "quote cells that contain a comma or a line break, and remove a half-written last row"
                    .to_owned()
            }
            Self::OpenQuote { .. } => {
                "write quotes within a cell twice (`\"\"`), and put cells that hold one between quotes, as any CSV library does"
                    .to_owned()
            }
            Self::NoHeader { .. } => {
                "put a first line with the column names, for example `reward`".to_owned()
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
            Self::NotAStep { .. } => "correct or drop this row, or rename the column".to_owned(),
            Self::MissingColumn { column, columns, .. } => {
                let near = nearest(column, columns.iter().map(String::as_str))
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
            Self::WhichColumn { candidates, columns, .. } => match likely_first(candidates).as_slice() {
                [] => format!("name one with `--reward COLUMN`; the columns are {}", listed(columns)),
                [one] => format!("name it with `--reward {}`", quoted(one)),
                [one, two, ..] => format!(
                    "name one with `--reward {}`, or a weighted sum with `--reward {}`; the numeric columns are {}",
                    quoted(one),
                    quoted(&format!("{one}=1,{two}=0.5")),
                    listed(candidates)
                ),
            },
            Self::Lengths { .. } => {
                "name the reward's column with a function over its list, as `--reward 'sum(reward)'`".to_owned()
            }
            Self::TurnsOrRollouts { rewards, .. } => format!(
                "`--rows rollouts` reads each element as a rollout; `--reward 'sum({rewards})'`, or last(), max() or \
                 mean() of it, reads each line as one"
            ),
            Self::EpisodesGrow { .. } => "run `tailcatch detect` on the log now and then".to_owned(),
            Self::StepsOfEpisodes { episode, .. } => format!(
                "give one row for each `{episode}`, with its return and the training step; or say `--rows rollouts` if each row is \
                 a rollout"
            ),
            Self::List { column, .. } => format!(
                "say which number it gives: `--reward 'sum({column})'`, or last(), max() or mean() of it; `--rows \
                 rollouts` if each element is a rollout"
            ),
            Self::WhichArray { path, arrays } => {
                let key = arrays.first().map(String::as_str).unwrap_or_default();
                format!("give one of them its own file: `jq -c '.{key}[]' {} > log.jsonl`", path.display())
            }
            Self::Compressed { .. } => {
                "the file may be cut off or still being written; copy it again".to_owned()
            }
            Self::TooLarge { .. } => "raise the limit with `--max-expanded BYTES` if the file is trusted".to_owned(),
            Self::TooLong { .. } => "no rollout is that long: check that this is a log".to_owned(),
            Self::Bomb { .. } => {
                "write the file anew without this column, or without compression, if it is trusted".to_owned()
            }
            Self::NoValues { .. } => "name another column".to_owned(),
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
