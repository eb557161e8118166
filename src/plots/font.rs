//! The embedded font: how wide a text is, and which glyphs it takes.

use crate::foundation::format::is_hidden;
use std::sync::LazyLock;
use ttf_parser::{Face, GlyphId};

/// Regular face (TrueType).
pub const REGULAR: &[u8] = include_bytes!("../../assets/fonts/Roboto-Regular.subset.ttf");
/// Bold face (TrueType).
pub const BOLD: &[u8] = include_bytes!("../../assets/fonts/Roboto-Bold.subset.ttf");

/// Width of a character that the font lacks, per size: half of a square, a square where scripts are square.
const LACKING: (f64, f64) = (0.55, 1.0);

static FACES: LazyLock<[Option<Face<'static>>; 2]> =
    LazyLock::new(|| [REGULAR, BOLD].map(|bytes| Face::parse(bytes, 0).ok()));

/// The file of a face.
pub(super) fn bytes(bold: bool) -> &'static [u8] {
    if bold { BOLD } else { REGULAR }
}

/// One of both faces; nothing if the file cannot be read.
pub(super) fn face(bold: bool) -> Option<&'static Face<'static>> {
    FACES[usize::from(bold)].as_ref()
}

/// A character's glyph, and how far it moves the pen per font size.
pub(super) fn glyph(c: char, bold: bool) -> (Option<GlyphId>, f64) {
    let known = face(bold).and_then(|face| {
        let id = face.glyph_index(c)?;
        let advance = f64::from(face.glyph_hor_advance(id)?) / f64::from(face.units_per_em());
        Some((id, advance))
    });
    match known {
        Some((id, advance)) => (Some(id), advance),
        None if u32::from(c) >= 0x2E80 => (None, LACKING.1),
        None => (None, LACKING.0),
    }
}

/// Width of a text in the unit of `size`, as it is shown: control characters and marks of direction are spelled out.
pub fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    let width = |c: char| match is_hidden(c) {
        true => c.escape_default().map(|c| glyph(c, bold).1).sum(),
        false => glyph(c, bold).1,
    };
    text.chars().map(width).sum::<f64>() * size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_measured_in_the_embedded_font() {
        // Advance widths in the face: H 1460/2048 em regular, 1448 bold; x 1015.
        assert!((text_width("H", 2048.0, false) - 1460.0).abs() < 2.0, "{}", text_width("H", 2048.0, false));
        assert!((text_width("H", 2048.0, true) - 1448.0).abs() < 2.0);
        assert_eq!(text_width("xx", 10.0, false), 2.0 * text_width("x", 10.0, false));
        // What the font lacks has a width too.
        assert!(text_width("漢字", 10.0, false) >= 20.0 && text_width("\u{5d0}", 10.0, false) > 5.0);
    }

    #[test]
    fn every_sign_of_the_figures_is_in_the_font() {
        for c in "abcXYZ0123456789−–·±×√‖πξαβ₀ΔΣ∞≈≤≥²³⁻⁰¹⁴⁵⁶⁷⁸⁹…’".chars()
        {
            assert!(glyph(c, false).0.is_some() && glyph(c, true).0.is_some(), "{c}");
        }
    }
}
