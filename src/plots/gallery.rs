//! The gallery: the figures of several experiments, each with the data it was drawn from, under one index.

use super::PlotError;
use super::figures::{Wanted, draw_all};
use crate::foundation::atomic_file;
use crate::record::folder::RunFolder;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// One experiment of the gallery.
#[derive(Debug, Clone)]
pub struct Exhibit<'a> {
    /// Name: the folder of its figures, and of `experiments/<name>.toml`.
    pub name: &'a str,
    /// Its run.
    pub run: &'a RunFolder,
    /// What was found, in a sentence.
    pub finding: String,
}

/// Writes `out/<name>/…` for every exhibit and `out/README.md`; gives the path of the index.
///
/// # Errors
/// A file that cannot be written, by name.
pub fn gallery(exhibits: &[Exhibit<'_>], out: &Path) -> Result<PathBuf, PlotError> {
    let mut page = String::from(
        "# Figures\n\nMade by `tailcatch gallery` from the experiments of this repository. \
         Beside every picture lie the SVG and the CSV that it was drawn from.\n",
    );
    for exhibit in exhibits {
        let wanted = Wanted { bare: true, ..Wanted::default() };
        let drawn = draw_all(exhibit.run, &out.join(exhibit.name), &wanted)?;
        let name = exhibit.name;
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "\n## {}\n\n{}\n\n`tailcatch run experiments/{name}.toml`\n",
            plain(&exhibit.run.plan.question),
            plain(&exhibit.finding)
        );
        for file in &drawn.files {
            let (title, figure) = (plain(&file.info.title), &file.info.name);
            let _ = write!(
                page,
                "\n![{title}]({name}/{figure}.png)\n\n**{title}.** {} ([SVG]({name}/{figure}.svg), [data]({name}/{figure}.csv))\n",
                plain(&file.info.caption)
            );
        }
        for missing in &drawn.left_out {
            let _ = write!(page, "\n*{}: {}*\n", plain(&missing.name), plain(&missing.status));
        }
    }
    let index = out.join("README.md");
    match atomic_file::write(&index, page.as_bytes()) {
        Ok(()) => Ok(index),
        Err(source) => Err(PlotError::Write { path: index, source }),
    }
}

/// Text that Markdown leaves alone.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '!' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}
