//! What there is to read of a file that grows.

use super::csv::header_of;
use super::error::Error;
use super::files::Found;
use super::format::{Format, format};
use super::grown::{Grown, Rest, grown, rest_of_line};
use super::looks::State;
use super::options::LogOptions;
use super::part::Part;
use super::progress::FileProgress;
use super::source::MAX_RECORD;
use std::time::{Duration, SystemTime};

/// Bytes that are read of one file in a turn, unless a record is longer.
const OF_FILE: u64 = 16 << 20;
/// A file that is not text is complete when it has not changed for so long.
const SETTLED: Duration = Duration::from_secs(2);

/// What is told of a last line of a table that has no end.
const HALF: &str = "its last line has no end and may stop within a number: left out until it has one";

/// How far a file is read in a turn: up to this byte, and the lines until there, a header not counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct To {
    pub bytes: u64,
    pub lines: u64,
}

/// A file of which there is something to read.
#[derive(Debug)]
pub(super) struct Ready {
    /// Its place among the files of the progress.
    pub at: usize,
    pub file: Found,
    pub part: Option<Part>,
    pub to: To,
    /// Where its whole lines end, if the last has no end.
    pub whole: Option<To>,
    pub closes: bool,
    /// Whether the file holds more than is read of it at once.
    pub cut: bool,
}

impl Ready {
    /// Bytes that are read.
    pub fn size(&self) -> u64 {
        self.part.as_ref().map_or(self.to.bytes, |part| part.end - part.start)
    }

    /// Whether rows of the file were read before.
    pub fn goes_on(&self) -> bool {
        self.part.as_ref().is_some_and(|part| part.rows > 0)
    }
}

/// What a look at a file brings: what there is to read, and what is to be told.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub ready: Option<Ready>,
    pub told: Option<String>,
}

/// What there is to read of a file that is not closed, whose state is this and was that at the last look. `last`: nothing more will
/// come.
pub(super) fn look(
    at: usize,
    found: Found,
    file: &mut FileProgress,
    (state, before): (State, Option<State>),
    last: bool,
    options: &LogOptions,
) -> Result<Looked, Error> {
    let mut told = None;
    if file.open_line && state.0 > file.bytes {
        let rest = rest_of_line(&found.path, file.bytes)?;
        let Some(Rest { bytes, is_break }) = rest else { return Ok(Looked::default()) };
        (file.bytes, file.open_line) = (file.bytes + bytes, false);
        if !is_break {
            told = Some(
                "its last line was read before it had an end, and went on: it counts as it was".to_owned(),
            );
        }
    }
    if state.0 == file.bytes {
        return Ok(Looked { ready: None, told });
    }
    let quoted = format(&found.path) == Some(Format::Csv);
    let to = state.0.min(file.bytes + OF_FILE);
    let mut there = grown(&found.path, file.bytes, to, quoted, last)?;
    let header = match there {
        Grown::Records { .. } if quoted => header_of(&found.path, options.max_expanded)?,
        _ => (0, 0),
    };
    let (start, own) = if file.bytes == 0 { header } else { (file.bytes, 0) };
    if matches!(there, Grown::Records { end, .. } if end <= start) && to < state.0 {
        // A first record longer than a turn.
        let to = state.0.min(start + MAX_RECORD as u64);
        there = grown(&found.path, file.bytes, to, quoted, last)?;
    }
    let mut ready = Ready {
        at,
        file: found,
        part: None,
        to: To { bytes: state.0, lines: 0 },
        whole: None,
        closes: true,
        cut: false,
    };
    let is_there = match there {
        Grown::Records { end, lines, whole } => {
            let to_of = |(bytes, lines): (u64, u64)| To { bytes, lines: lines.saturating_sub(own) };
            // Where no row is whole, the header is read again with the first that is.
            let nothing = To { bytes: file.bytes, lines: 0 };
            ready.whole = whole.map(|whole| if whole.0 > start { to_of(whole) } else { nothing });
            ready.part = Some(Part { header: header.0, start, end, rows: file.rows, lines: file.lines });
            (ready.to, ready.closes) = (to_of((end, lines)), false);
            ready.cut = end < state.0 && to < state.0;
            let all = end > start;
            if last && quoted && !ready.cut && end < state.0 {
                told = Some(HALF.to_owned());
            }
            all
        }
        Grown::Nothing => {
            if last && quoted && to == state.0 {
                told = Some(HALF.to_owned());
            }
            false
        }
        Grown::Whole { complete: Some(false) } if last => {
            told = Some("it is not complete, as the newest file of a run that goes on".to_owned());
            false
        }
        Grown::Whole { complete } => {
            let age = state.1.and_then(|time| SystemTime::now().duration_since(time).ok());
            let settled = before == Some(state) || age.is_some_and(|age| age >= SETTLED);
            complete.unwrap_or(settled || last)
        }
    };
    Ok(Looked { ready: is_there.then_some(ready), told })
}
