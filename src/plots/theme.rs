//! Colours, sizes and the font, the same in every figure.
//!
//! Categories take the palette of Okabe & Ito (2008), which readers with any common colour-vision deficiency can tell apart;
//! more categories than it has take steps of a ramp whose lightness rises throughout (after *viridis*, Smith & van der Walt 2015).

use plotters::style::{FontStyle, register_font};
use std::sync::LazyLock;

/// CSS font stack of all text; the first is embedded.
pub const FONT: &str = "Roboto, Helvetica Neue, Arial, sans-serif";
/// Regular face of the embedded font (TrueType).
pub const REGULAR: &[u8] = include_bytes!("../../assets/fonts/Roboto-Regular.subset.ttf");
/// Bold face of the embedded font (TrueType).
pub const BOLD: &[u8] = include_bytes!("../../assets/fonts/Roboto-Bold.subset.ttf");

/// Width of every figure, in CSS pixels.
pub const WIDTH: f64 = 720.0;
/// Size of tick labels and direct labels, in CSS pixels.
pub const SMALL: f64 = 11.5;
/// Size of axis and panel titles, in CSS pixels.
pub const NORMAL: f64 = 12.5;
/// Width of a data line, in CSS pixels.
pub const LINE: f64 = 1.8;
/// Width of axes and ticks, in CSS pixels.
pub const HAIR: f64 = 0.8;
/// Opacity of a band.
pub const BAND: f64 = 0.16;

/// A colour with its opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ink {
    /// Red, green, blue.
    pub rgb: (u8, u8, u8),
    /// 0 = invisible, 1 = opaque.
    pub alpha: f64,
}

impl Ink {
    const fn opaque(r: u8, g: u8, b: u8) -> Self {
        Self { rgb: (r, g, b), alpha: 1.0 }
    }

    /// The same colour at another opacity.
    pub fn at(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// Dark enough for text on white.
    pub fn text(self) -> Self {
        let (r, g, b) = self.rgb;
        let luma = 0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b);
        let factor = (105.0 / luma.max(1.0)).min(1.0);
        let darker = |c: u8| (f64::from(c) * factor).round() as u8;
        Self { rgb: (darker(r), darker(g), darker(b)), alpha: 1.0 }
    }
}

/// The page.
pub const WHITE: Ink = Ink::opaque(0xFF, 0xFF, 0xFF);
/// Text and axes.
pub const BLACK: Ink = Ink::opaque(0x22, 0x22, 0x22);
/// Tick labels and notes.
pub const GREY: Ink = Ink::opaque(0x66, 0x66, 0x66);
/// Reference lines.
pub const SILVER: Ink = Ink::opaque(0x99, 0x99, 0x99);
/// Grid lines.
pub const GRID: Ink = Ink::opaque(0xE9, 0xE9, 0xE9);
/// Okabe & Ito's palette, ordered for contrast between neighbours; yellow is left out, being unreadable on white.
pub const PALETTE: [Ink; 6] = [
    Ink::opaque(0x00, 0x72, 0xB2),
    Ink::opaque(0xD5, 0x5E, 0x00),
    Ink::opaque(0x00, 0x9E, 0x73),
    Ink::opaque(0xCC, 0x79, 0xA7),
    Ink::opaque(0xE6, 0x9F, 0x00),
    Ink::opaque(0x56, 0xB4, 0xE9),
];
const RAMP: [Ink; 5] = [
    Ink::opaque(0x44, 0x01, 0x54),
    Ink::opaque(0x3B, 0x52, 0x8B),
    Ink::opaque(0x21, 0x91, 0x8C),
    Ink::opaque(0x55, 0xB8, 0x5A),
    Ink::opaque(0xCF, 0xB7, 0x2A),
];

/// Colour of the `i`-th of `n` series.
pub fn colour(i: usize, n: usize) -> Ink {
    if n <= PALETTE.len() {
        return PALETTE[i % PALETTE.len()];
    }
    let position = (i % n) as f64 / (n - 1) as f64 * (RAMP.len() - 1) as f64;
    let below = (position as usize).min(RAMP.len() - 2);
    let weight = position - below as f64;
    let (a, b) = (RAMP[below].rgb, RAMP[below + 1].rgb);
    let mix = |x: u8, y: u8| (f64::from(x) + weight * (f64::from(y) - f64::from(x))).round() as u8;
    Ink { rgb: (mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2)), alpha: 1.0 }
}

static REGISTERED: LazyLock<bool> = LazyLock::new(|| {
    register_font(FONT, FontStyle::Normal, REGULAR).is_ok()
        && register_font(FONT, FontStyle::Bold, BOLD).is_ok()
});

/// Makes the embedded font known to plotters, once; false if it cannot be read.
pub fn register() -> bool {
    *REGISTERED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_have_distinct_colours_and_readable_labels() {
        for n in 1..=20 {
            let inks: Vec<Ink> = (0..n).map(|i| colour(i, n)).collect();
            for (i, ink) in inks.iter().enumerate() {
                assert!(inks[..i].iter().all(|other| other != ink), "{n} series, {i}");
                let (r, g, b) = ink.text().rgb;
                let luma = 0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b);
                assert!(luma < 130.0, "{luma}");
            }
        }
    }
}
