//! The map of the verdict: a panel for each trainer, KL by size of the exploit, coloured by how many learned runs are harmed.

use super::PlotError;
use super::chart::save;
use super::font::text_width;
use super::scene::{Align, Scene};
use super::sheet::Size;
use super::theme::{BLACK, GREY, GRID, Ink, NORMAL, PALETTE, SILVER, SMALL};
use crate::foundation::format::report as number;
use crate::record::verdict::{CellRow, MAP, PHASES, trainer_label};
use std::path::{Path, PathBuf};

const TITLE: &str = "Harm by KL and size of the exploit";
const CAPTION: &str = "A cell for each KL and size of the exploit (in units of T*). Its left half is coloured by the share of the \
                       learned runs that are harmed where nobody audits, its right half by the share under the audit of \
                       the criterion: the stronger the colour, the more of them; grey has no number. A dot marks cells in which the criterion is met, a \
                       cross those in which every auditor fails.";
/// Height of a cell, in CSS pixels.
const ROW: f64 = 34.0;
/// Room for the labels of the rows.
const LABELS: f64 = 44.0;
/// Room behind a panel.
const AFTER: f64 = 16.0;
/// Room above and below a panel's cells.
const HEAD: f64 = 22.0;
const FOOT: f64 = 36.0;
/// Size of a cell's word.
const WORD: f64 = 10.8;
/// Room for the key above all, and its lines.
const KEY: f64 = 44.0;
const KEY_LINES: [f64; 2] = [6.0, 24.0];
/// A swatch of the key.
const SWATCH: (f64, f64) = (14.0, 10.0);
/// What a mark and the space around it take beside a word.
const MARK: f64 = 16.0;

/// Draws the cells of the map into `dir`; nothing where there are none.
///
/// # Errors
/// A file that cannot be written.
pub fn write(cells: &[CellRow], dir: &Path) -> Result<Option<PathBuf>, PlotError> {
    let Some(scene) = draw(cells) else { return Ok(None) };
    let path = dir.join(PHASES).with_extension("svg");
    save(TITLE, CAPTION, &path, || Some(scene))?;
    Ok(Some(path))
}

/// What a cell's word is called in the picture, and how it is marked.
fn word(verdict: &str) -> (&str, Option<bool>) {
    match verdict {
        "holds" => ("holds", Some(true)),
        "little_harm" => ("little harm", Some(true)),
        "not_learned" => ("not learned", None),
        "fails" => ("fails", Some(false)),
        "refuted" => ("refuted", Some(false)),
        other => (other, None),
    }
}

/// The palette's orange, none of it to all.
fn shade(share: f64) -> Ink {
    PALETTE[1].at(share.clamp(0.0, 1.0))
}

/// The values of a column, ascending, those that print alike once.
fn axis(cells: &[&CellRow], column: fn(&CellRow) -> Option<f64>) -> Vec<String> {
    let mut values: Vec<f64> = cells.iter().filter_map(|cell| column(cell)).collect();
    values.sort_by(f64::total_cmp);
    let mut names: Vec<String> = values.into_iter().map(label).collect();
    names.dedup();
    names
}

/// Two digits: sizes come from tables of four.
fn label(value: f64) -> String {
    let digits = 10f64.powf(1.0 - value.abs().max(1e-300).log10().floor());
    number((value * digits).round() / digits)
}

fn draw(cells: &[CellRow]) -> Option<Scene> {
    let placed: Vec<&CellRow> = cells
        .iter()
        .filter(|cell| cell.part == MAP && cell.kl_target.is_some() && cell.size.is_some())
        .collect();
    let (kls, sizes) = (axis(&placed, |cell| cell.kl_target), axis(&placed, |cell| cell.size));
    let mut trainers: Vec<&str> = Vec::new();
    for cell in &placed {
        if !trainers.contains(&cell.trainer.as_str()) {
            trainers.push(&cell.trainer);
        }
    }
    if trainers.is_empty() {
        return None;
    }
    let height = HEAD + sizes.len() as f64 * ROW + FOOT;
    let (width, across) = layout(kls.len(), placed.iter().map(|cell| word(&cell.verdict).0));
    let mut scene = Scene::new(width, KEY + trainers.len().div_ceil(across) as f64 * height + 4.0);
    key(&mut scene);
    let column = column(width, across, kls.len());
    for (place, trainer) in trainers.iter().enumerate() {
        let left = LABELS + (place % across) as f64 * width / across as f64;
        let top = KEY + (place / across) as f64 * height + HEAD;
        let bottom = top + sizes.len() as f64 * ROW;
        scene.bold((left, top - 8.0), trainer_label(trainer), NORMAL, Align::Left, BLACK);
        for (at, size) in sizes.iter().rev().enumerate() {
            let middle = top + (at as f64 + 0.5) * ROW + SMALL * 0.35;
            scene.text((left - 6.0, middle), format!("{size} T*"), SMALL, Align::Right, GREY);
        }
        for (at, kl) in kls.iter().enumerate() {
            let middle = left + (at as f64 + 0.5) * column;
            scene.text((middle, bottom + 14.0), kl.as_str(), SMALL, Align::Centre, GREY);
        }
        let middle = left + kls.len() as f64 * column / 2.0;
        scene.text((middle, bottom + 28.0), "KL, nats", SMALL, Align::Centre, GREY);
        for cell in placed.iter().filter(|cell| cell.trainer == *trainer) {
            let at = |names: &[String], value: Option<f64>| {
                value.and_then(|value| names.iter().position(|name| *name == label(value)))
            };
            let Some((x, y)) = at(&kls, cell.kl_target).zip(at(&sizes, cell.size)) else { continue };
            let (x, y) = (left + x as f64 * column, bottom - (y as f64 + 1.0) * ROW);
            one(&mut scene, cell, (x + 1.0, y + 1.0), (column - 2.0, ROW - 2.0));
        }
    }
    Some(scene)
}

/// Width of a cell with so many panels side by side.
fn column(width: f64, across: usize, kls: usize) -> f64 {
    (width / across as f64 - LABELS - AFTER) / kls as f64
}

/// Width of the picture, and panels side by side: two where every word has room beside its mark, else one, no wider than its words need.
fn layout<'a>(kls: usize, words: impl Iterator<Item = &'a str>) -> (f64, usize) {
    let full = Size::default().width();
    let needed = words.map(|word| text_width(word, WORD, false)).fold(0.0, f64::max) + MARK + 2.0;
    match column(full, 2, kls) >= needed {
        true => (full, 2),
        false => (full.min(LABELS + AFTER + kls as f64 * needed), 1),
    }
}

/// The colours above, the mark and the word on white below.
fn one(scene: &mut Scene, cell: &CellRow, (x, y): (f64, f64), (width, height): (f64, f64)) {
    let strip = height * 0.52;
    let has_word = !matches!(cell.verdict.as_str(), "void" | "insufficient");
    let ink = |share: Option<f64>| share.filter(|_| has_word).map_or(GRID, shade);
    let half = width / 2.0;
    area(scene, (x, y), (half, strip), ink(cell.harm));
    area(scene, (x + half, y), (half, strip), ink(cell.audited_harm));
    let outline = vec![(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)];
    scene.line(outline, SILVER, 0.6);
    scene.line(vec![(x + width / 2.0, y), (x + width / 2.0, y + strip)], SILVER, 0.6);
    let (name, mark) = word(&cell.verdict);
    let level = y + (strip + height) / 2.0;
    if let Some(is_good) = mark {
        draw_mark(scene, (x + 7.0, level), is_good);
    }
    let centre = x + width / 2.0 + if mark.is_some() { MARK / 2.0 } else { 0.0 };
    scene.text((centre, level + WORD * 0.35), name, WORD, Align::Centre, BLACK);
}

/// A dot where the criterion is met, a cross where every auditor fails.
fn draw_mark(scene: &mut Scene, (x, y): (f64, f64), is_good: bool) {
    if is_good {
        return scene.dot((x, y), 3.0, BLACK);
    }
    for turn in [-1.0, 1.0] {
        scene.line(vec![(x - 3.0, y - 3.0 * turn), (x + 3.0, y + 3.0 * turn)], BLACK, 1.4);
    }
}

fn area(scene: &mut Scene, (x, y): (f64, f64), (width, height): (f64, f64), ink: Ink) {
    scene.area(vec![(x, y), (x + width, y), (x + width, y + height), (x, y + height)], ink);
}

/// What colours, halves and marks say.
fn key(scene: &mut Scene) {
    let (width, height) = SWATCH;
    let swatch = |scene: &mut Scene, x: f64, line: usize, ink: Ink| {
        area(scene, (x, KEY_LINES[line]), SWATCH, ink);
        let (y, right) = (KEY_LINES[line], x + width);
        scene.line(vec![(x, y), (right, y), (right, y + height), (x, y + height), (x, y)], SILVER, 0.6);
        right
    };
    let text = |scene: &mut Scene, x: f64, line: usize, said: &str| {
        scene.text((x + 5.0, KEY_LINES[line] + height * 0.9), said, SMALL, Align::Left, GREY);
        x + 5.0 + text_width(said, SMALL, false) + 12.0
    };
    let mut x = 4.0;
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        x = swatch(scene, x, 0, shade(share));
    }
    x = text(scene, x, 0, "0 to 100% of learned runs harmed");
    x = swatch(scene, x, 0, GRID);
    text(scene, x, 0, "no number");
    let x = swatch(scene, 4.0, 1, shade(1.0));
    let x = swatch(scene, x, 1, shade(0.25));
    let x = text(scene, x, 1, "unaudited | audited");
    let level = KEY_LINES[1] + height / 2.0;
    draw_mark(scene, (x + 3.0, level), true);
    let x = text(scene, x + 6.0, 1, "criterion met");
    draw_mark(scene, (x + 3.0, level), false);
    text(scene, x + 6.0, 1, "every auditor fails");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_two_digits_and_shades_run_from_white_to_orange() {
        let named: Vec<String> = [0.49996, 1.0003, 0.03, 48.03, 3.0].into_iter().map(label).collect();
        assert_eq!(named, ["0.5", "1", "0.03", "48", "3"]);
        assert_eq!((shade(-1.0).alpha, shade(0.0).alpha), (0.0, 0.0));
        assert_eq!(shade(1.0), PALETTE[1]);
    }

    #[test]
    fn panels_stand_below_each_other_where_words_would_meet_their_marks() {
        let all = || ["holds", "little harm", "insufficient"].into_iter();
        let laid = [2, 3, 5, 8].map(|kls| layout(kls, all()));
        assert_eq!(laid.map(|(_, across)| across), [2, 2, 1, 1]);
        assert_eq!(layout(5, ["holds"].into_iter()), (720.0, 2));
        // On a screen of 390 px a panel of five is as wide as the screen, and its words still have 8 px.
        assert!(laid[0].0 == 720.0 && (400.0..470.0).contains(&laid[2].0), "{laid:?}");
        assert!(
            laid[3].0 <= 720.0 && column(laid[2].0, 1, 5) > text_width("insufficient", WORD, false) + MARK
        );
    }

    #[test]
    fn a_folder_without_a_map_has_no_picture() {
        assert!(draw(&[]).is_none());
    }
}
