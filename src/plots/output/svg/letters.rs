//! Letters as outlines. Many readers of SVG (librsvg, Inkscape, Word) load no font that lies in the file, and in another font a text is wider than the
//! room that it was given, so that it covers what stands beside it.

use super::short;
use crate::plots::font;
use crate::plots::scene::{Mark, Place, Scene};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use ttf_parser::{GlyphId, OutlineBuilder};

/// Outlines of the letters that a scene uses, each once for a size and a face.
pub(super) fn definitions(scene: &Scene) -> String {
    let mut outlines: BTreeMap<String, String> = BTreeMap::new();
    for mark in &scene.marks {
        let Mark::Text { text, size, bold, .. } = mark else { continue };
        for (glyph, _) in glyphs(text, *size, *bold).into_iter().flatten() {
            outlines.entry(name(glyph, *size, *bold)).or_insert_with(|| outline(glyph, *size, *bold));
        }
    }
    outlines.retain(|_, outline| !outline.is_empty());
    if outlines.is_empty() {
        return String::new();
    }
    let mut out = "<defs>".to_owned();
    for (name, outline) in outlines {
        // Writing to a String cannot fail.
        let _ = write!(out, "<path id=\"{name}\" d=\"{outline}\"/>");
    }
    out + "</defs>\n"
}

/// A text from `left` on, letter by letter; nothing where the font lacks one of them.
pub(super) fn placed(text: &str, (left, baseline): Place, size: f64, bold: bool) -> Option<String> {
    let mut out = String::new();
    let letters = glyphs(text, size, bold)?.into_iter().zip(text.chars());
    for ((glyph, from), _) in letters.filter(|(_, c)| !c.is_whitespace()) {
        let _ = write!(
            out,
            "<use xlink:href=\"#{}\" x=\"{}\" y=\"{}\"/>",
            name(glyph, size, bold),
            short(left + from),
            short(baseline)
        );
    }
    Some(out)
}

/// The glyphs of a text, each with how far right of its start it stands.
fn glyphs(text: &str, size: f64, bold: bool) -> Option<Vec<(GlyphId, f64)>> {
    let mut from = 0.0;
    let one = |c: char| {
        let (glyph, advance) = font::glyph(c, bold);
        let at = from;
        from += advance * size;
        Some((glyph?, at))
    };
    text.chars().map(one).collect()
}

/// The same in every picture, so that pictures may share a page.
fn name(glyph: GlyphId, size: f64, bold: bool) -> String {
    format!("{}{:.0}-{}", if bold { 'b' } else { 'r' }, 100.0 * size, glyph.0)
}

fn outline(glyph: GlyphId, size: f64, bold: bool) -> String {
    let Some(face) = font::face(bold) else { return String::new() };
    let mut path =
        Path { scale: 100.0 * size / f64::from(face.units_per_em()), at: (0, 0), out: String::new() };
    face.outline_glyph(glyph, &mut path);
    path.out
}

/// Path data in hundredths of a unit, each place from the one before: what is rounded does not add up.
struct Path {
    scale: f64,
    at: (i64, i64),
    out: String,
}

impl Path {
    fn places<const N: usize>(&mut self, command: char, places: [(f32, f32); N]) {
        self.out.push(command);
        let from = self.at;
        for (i, (x, y)) in places.into_iter().enumerate() {
            self.at =
                ((f64::from(x) * self.scale).round() as i64, (-f64::from(y) * self.scale).round() as i64);
            for (k, moved) in [self.at.0 - from.0, self.at.1 - from.1].into_iter().enumerate() {
                let number = short(moved as f64 / 100.0);
                // A sign parts numbers as a blank does.
                let parted = (i == 0 && k == 0) || number.starts_with('-');
                let _ = write!(self.out, "{}{number}", if parted { "" } else { " " });
            }
        }
    }
}

impl OutlineBuilder for Path {
    fn move_to(&mut self, x: f32, y: f32) {
        self.places('m', [(x, y)]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.places('l', [(x, y)]);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.places('q', [(x1, y1), (x, y)]);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.places('c', [(x1, y1), (x2, y2), (x, y)]);
    }

    fn close(&mut self) {
        self.out.push('z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_as_far_apart_as_they_were_measured() {
        let text = "top, at each budget";
        let placed = placed(text, (40.0, 9.0), 11.5, false).unwrap();
        let found: Vec<f64> = placed
            .split(" x=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect();
        let shown: Vec<f64> = text
            .char_indices()
            .filter(|(_, c)| *c != ' ')
            .map(|(i, _)| 40.0 + font::text_width(&text[..i], 11.5, false))
            .collect();
        assert_eq!(found.len(), shown.len());
        assert!(found.iter().zip(&shown).all(|(a, b)| (a - b).abs() <= 0.0051), "{found:?} {shown:?}");
        assert_eq!(super::placed("漢", (0.0, 0.0), 11.5, false), None);
    }

    #[test]
    fn an_outline_ends_where_the_glyph_does() {
        // An l of Roboto is a bar from the baseline to 1500/2048 em, its edges 151 and 336 units from its left.
        let glyph = font::glyph('l', false).0.unwrap();
        let outline = outline(glyph, 20.48, false);
        assert!(outline.starts_with('m') && outline.ends_with('z'), "{outline}");
        let face = font::face(false).unwrap();
        let bounds = face.glyph_bounding_box(glyph).unwrap();
        let first: Vec<f64> = outline[1..]
            .split(|c: char| c.is_ascii_alphabetic())
            .next()
            .unwrap()
            .replace('-', " -")
            .split_whitespace()
            .map(|number| number.parse().unwrap())
            .collect();
        let on_edge =
            |x: f64, ends: [i16; 2]| ends.iter().any(|end| (x - f64::from(*end) / 100.0).abs() < 0.006);
        assert!(on_edge(first[0], [bounds.x_min, bounds.x_max]), "{first:?} {bounds:?}");
        assert!(on_edge(-first[1], [bounds.y_min, bounds.y_max]), "{first:?} {bounds:?}");
    }
}
