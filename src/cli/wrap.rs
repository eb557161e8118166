//! How what is said on standard error is broken into lines: at blanks, in the terminal's width or 80 columns, and within no word, no
//! path and no command between backticks, which are pasted.

use super::sketch::{MOST, UNKNOWN, asked};
use std::io;
use terminal_size::terminal_size_of;
use textwrap::core::Word;
use textwrap::{Options, WordSeparator, WordSplitter, wrap};

/// Columns of a text between backticks from which on it is none that is kept in one piece: the other backtick is someone else's.
const LONGEST: usize = 240;
/// What an error of a command line begins with: its lines stand below each other.
const ERROR: &str = "error: ";
/// Lines of a command line's error that are pasted, or tables.
const KEPT: [&str; 2] = ["Usage:", "  tailcatch "];

/// Columns of a line on standard error.
pub(super) fn columns() -> usize {
    let known = terminal_size_of(io::stderr()).map(|(width, _)| usize::from(width.0));
    asked().or(known).filter(|columns| *columns >= 40).unwrap_or(UNKNOWN).min(MOST)
}

/// Words are parted by blanks, but for those between backticks.
pub(super) const WORDS: WordSeparator = WordSeparator::Custom(|line| Box::new(words(line).into_iter()));

fn words(line: &str) -> Vec<Word<'_>> {
    let (mut words, mut start, mut span, mut after_blank) = (Vec::new(), 0, 0, false);
    for (at, c) in line.char_indices() {
        if after_blank && c != ' ' && at >= span {
            words.extend(line.get(start..at).map(Word::from));
            start = at;
        }
        if c == '`' && at >= span {
            let rest = line.get(at + 1..).unwrap_or_default();
            let end = rest.find('`').filter(|length| *length <= LONGEST);
            span = end.map_or(span, |length| at + 2 + length);
        }
        after_blank = c == ' ';
    }
    words.extend(line.get(start..).filter(|rest| !rest.is_empty()).map(Word::from));
    words
}

/// A text in lines of so many columns, each line with its own indent; a line that names what a command needs is kept.
pub(super) fn lines(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        if KEPT.iter().any(|start| bare(line).starts_with(start)) {
            out.push_str(line);
        } else {
            let own = if bare(line).starts_with(ERROR) { ERROR.len() } else { 0 };
            let indent = " ".repeat(own + line.len() - line.trim_start_matches(' ').len());
            let options = Options::new(width).subsequent_indent(&indent).break_words(false);
            let options = options.word_separator(WORDS).word_splitter(WordSplitter::NoHyphenation);
            out.push_str(&wrap(line, options).join("\n"));
        }
        out.push_str(end);
    }
    out
}

/// A line without the colours of its beginning.
fn bare(line: &str) -> &str {
    let mut rest = line;
    while let Some((_, after)) = rest.strip_prefix('\u{1b}').and_then(|code| code.split_once('m')) {
        rest = after;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_blanks_and_commands_stay_in_one_piece() {
        let text = "  error: a text of some words; `jq -c '.[]' log.jsonl` makes it so, /a/long/path/that/stays/whole\n\nUsage: tailcatch \
                    detect [OPTIONS] <PATH>...\n";
        assert_eq!(
            lines(text, 30),
            "  error: a text of some words;\n  `jq -c '.[]' log.jsonl`\n  makes it so,\n  /a/long/path/that/stays/whole\n\nUsage: \
             tailcatch detect [OPTIONS] <PATH>...\n"
        );
        assert_eq!(lines("a `b c d e f", 5), "a `b\nc d e\nf", "a backtick of someone's text");
        assert_eq!(lines("error: a b c d e f", 12), "error: a b c\n       d e f");
        assert_eq!(lines("", 10), "");
    }
}
