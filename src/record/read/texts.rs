//! A second pass over the files of a log, for what its numbers do not hold: prompts and completions of some rows.

use super::error::Error;
use super::format::{columns, scan};
use super::log::Log;
use super::reward::Term;
use super::roles::Roles;
use super::rollouts::Rollouts;

/// What stands in a row beside its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Texts<'a> {
    /// The prompt; a chat as the contents of its messages, one after the other.
    pub prompt: Option<&'a str>,
    /// The completion, likewise.
    pub completion: Option<&'a str>,
    /// The columns of the reward with their numbers, where there are any.
    pub parts: &'a [(&'a str, f64)],
    /// The line of the row, from 1, where its file has lines.
    pub line: Option<u64>,
}

impl Log<Rollouts> {
    /// Reads the files again and hands out the texts of the given rows of the log, in the order of the files: each with its
    /// place among `rows`. Files without one of them are not opened.
    ///
    /// # Errors
    /// As [`open_log`](super::open_log) where a file can no longer be read, [`Error::NoSuchRow`] of a row that is not there.
    pub fn texts(
        &self,
        rows: &[usize],
        visit: &mut dyn FnMut(usize, &Texts<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut places = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            let origin = self.rollouts.origin(*row)?;
            places.push((origin.file, origin.row, at));
        }
        places.sort_unstable();
        for of_file in places.chunk_by(|a, b| a.0 == b.0) {
            let Some(path) = of_file.first().and_then(|(file, ..)| self.meta.files.get(*file)) else {
                continue;
            };
            let (present, _) = columns(path, &self.meta.options)?;
            let roles = Roles::of(&present, &self.meta.reward, &self.meta.options);
            let terms: Vec<Term<'_>> = (self.meta.reward.terms(Some(&present)).into_iter())
                .filter(|term| present.has(term.column))
                .collect();
            let mut wanted: Vec<&str> = terms.iter().map(|term| term.column).collect();
            let prompt = roles.prompt.as_deref().map(|name| push(&mut wanted, name));
            let completion = roles.completion.as_deref().map(|name| push(&mut wanted, name));
            let mut next = of_file.iter().peekable();
            scan(path, &present, &wanted, &mut |row| {
                while let Some((_, _, at)) = next.next_if(|(_, number, _)| *number == row.row) {
                    let cells: Vec<_> = (0..wanted.len()).map(row.cell).collect();
                    let string = |i: Option<usize>| {
                        Some(String::from_utf8_lossy(&cells.get(i?)?.text()?).into_owned())
                    };
                    let (prompt, completion) = (string(prompt), string(completion));
                    let numbers: Vec<(&str, f64)> = (terms.iter().zip(&cells))
                        .filter_map(|(term, cell)| Some((term.name, term.value(cell).ok().flatten()?)))
                        .collect();
                    let texts = Texts {
                        prompt: prompt.as_deref(),
                        completion: completion.as_deref(),
                        parts: &numbers,
                        line: row.line,
                    };
                    visit(*at, &texts)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

fn push<'a>(wanted: &mut Vec<&'a str>, name: &'a str) -> usize {
    wanted.push(name);
    wanted.len() - 1
}

#[cfg(test)]
mod tests {
    use super::super::{LogOptions, open_log};
    use std::path::PathBuf;

    #[test]
    fn texts_come_with_their_lines_and_parts_whatever_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| -> PathBuf {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let csv = "step,prompt,completion,reward\n2,p,\"two\nlines\",1.5\n1,q,one,2.5\n";
        let chat = r#"[{"role":"user","content":"hi"},{"role":"user","content":"ho"}]"#;
        let json = format!(
            "{{\"step\":1,\"prompt\":\"r\",\"completion\":\"x\",\"reward\":3}}\n\n\
             {{\"step\":3,\"prompt\":{chat},\"completion\":\"y\",\"reward\":4}}\n"
        );
        let log = open_log(&[write("a.csv", csv), write("b.jsonl", &json)], &LogOptions::default()).unwrap();
        let mut found = vec![None; 4];
        log.texts(&[3, 0, 2, 1], &mut |at, texts| {
            let text = |text: Option<&str>| text.unwrap_or("–").to_owned();
            found[at] = Some((text(texts.prompt), text(texts.completion), texts.parts[0].1, texts.line));
            Ok(())
        })
        .unwrap();
        let entry = |prompt: &str, completion: &str, reward: f64, line: u64| {
            Some((prompt.to_owned(), completion.to_owned(), reward, Some(line)))
        };
        let expected = [
            entry("hi\nho", "y", 4.0, 3),
            entry("q", "one", 2.5, 4),
            entry("p", "two\nlines", 1.5, 2),
            entry("r", "x", 3.0, 1),
        ];
        assert_eq!(found, expected);
        let lines: Vec<Option<u64>> = (0..4).map(|row| log.rollouts.origin(row).unwrap().line).collect();
        assert_eq!(lines, [Some(4), Some(1), Some(2), Some(3)]);
        assert!(log.texts(&[4], &mut |_, _| Ok(())).is_err());
    }
}
