//! The gallery: the figures of several experiments, each with the data it was drawn from, under one index.

use super::PlotError;
use super::figures::{Wanted, draw_all};
use super::sheet::Size;
use crate::foundation::atomic_file;
use crate::foundation::presence::{is_absence, is_there};
use crate::record::folder::{PLAN, RunFolder, SCENARIOS};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// How the index of a gallery begins.
const HEADER: &str = "# Figures\n\nMade by `tailcatch gallery`";
/// File name of the index.
const INDEX: &str = "README.md";

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
/// What it would write over is a run folder, lies in one, or is a page of somebody else, and nothing is written; a file that cannot be
/// written, by name.
pub fn gallery(exhibits: &[Exhibit<'_>], out: &Path) -> Result<PathBuf, PlotError> {
    writes_over_nothing(exhibits, out)?;
    let mut page = format!(
        "{HEADER} from the experiments of this repository. \
         Beside every picture lie the SVG and the CSV that it was drawn from. \
         Pictures are laid out for a width of {} in, the text of a page; smaller, their letters have less than 7 pt. \
         `tailcatch plot RUN --size column` lays them out for one column of a paper, {} in.\n",
        Size::Page.inches(),
        Size::Column.inches()
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
    let index = out.join(INDEX);
    match atomic_file::write(&index, page.as_bytes()) {
        Ok(()) => Ok(index),
        Err(source) => Err(PlotError::Write { path: index, source }),
    }
}

/// Whether figures and index go where only a gallery may lie.
fn writes_over_nothing(exhibits: &[Exhibit<'_>], out: &Path) -> Result<(), PlotError> {
    let unread =
        |path: &Path, e: io::Error| PlotError::Unread(format!("cannot look at {}: {e}", path.display()));
    let taken = |path: &Path, problem: String| Err(PlotError::Taken { path: path.to_owned(), problem });
    let place = |path: &Path| located(path).map_err(|e| unread(path, e));
    let index = out.join(INDEX);
    match fs::read(&index) {
        Ok(page) if !page.starts_with(HEADER.as_bytes()) => {
            return taken(&index, "is no index of a gallery".to_owned());
        }
        Err(e) if !is_absence(&e) => return Err(unread(&index, e)),
        _ => {}
    }
    for exhibit in exhibits {
        let own = out.join(exhibit.name);
        for mark in [PLAN, SCENARIOS] {
            let mark = own.join(mark);
            if is_there(&mark).map_err(|e| unread(&mark, e))? {
                return taken(&own, "holds the results of an experiment".to_owned());
            }
        }
        let target = place(&own)?;
        for run in exhibits.iter().map(|other| &other.run.dir) {
            if target.starts_with(place(run)?) {
                return taken(&own, format!("lies in the run folder {}", run.display()));
            }
        }
    }
    Ok(())
}

/// Where a path leads, links followed as far as it is there.
fn located(path: &Path) -> io::Result<PathBuf> {
    let mut found = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        if part == Component::ParentDir {
            found.pop();
            continue;
        }
        found.push(part);
        match found.canonicalize() {
            Ok(real) => found = real,
            Err(e) if is_absence(&e) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(found)
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
