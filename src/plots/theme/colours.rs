//! The colours of each theme.

use super::{COLOURS, Rgb, Theme, Tone};

/// The colours of one theme.
struct Colours {
    page: Rgb,
    text: Rgb,
    soft: Rgb,
    rule: Rgb,
    grid: Rgb,
    series: [Rgb; COLOURS],
    label: [Rgb; COLOURS],
}

const SERIES: [Rgb; COLOURS] = [
    (0x41, 0x30, 0xAF),
    (0xD7, 0x47, 0x00),
    (0x26, 0xA9, 0x42),
    (0xBE, 0x00, 0x4D),
    (0x03, 0x00, 0x57),
    (0x69, 0x00, 0x00),
];
const LABEL: [Rgb; COLOURS] = [
    (0x41, 0x30, 0xAF),
    (0xBC, 0x3C, 0x00),
    (0x1A, 0x7A, 0x2F),
    (0xBE, 0x00, 0x4D),
    (0x03, 0x00, 0x57),
    (0x69, 0x00, 0x00),
];
const LIGHT: Colours = Colours {
    page: (0xFF, 0xFF, 0xFF),
    text: (0x22, 0x22, 0x22),
    soft: (0x60, 0x60, 0x60),
    rule: (0x99, 0x99, 0x99),
    grid: (0xE9, 0xE9, 0xE9),
    series: SERIES,
    label: LABEL,
};
const DARK: Colours = Colours {
    page: (0x1A, 0x1A, 0x1C),
    text: (0xE8, 0xE6, 0xE3),
    soft: (0xB0, 0xAD, 0xA8),
    rule: (0x80, 0x7E, 0x7A),
    grid: (0x33, 0x33, 0x35),
    series: [
        (0x85, 0x93, 0xFB),
        (0xFF, 0x17, 0x02),
        (0x28, 0xF4, 0x93),
        (0xFF, 0x91, 0xE4),
        (0x06, 0x5E, 0xE5),
        (0xFF, 0xFB, 0x1B),
    ],
    label: [
        (0x98, 0xA4, 0xFC),
        (0xFF, 0x6A, 0x5C),
        (0x28, 0xF4, 0x93),
        (0xFF, 0x91, 0xE4),
        (0x6E, 0xA4, 0xFF),
        (0xFF, 0xFB, 0x1B),
    ],
};
const PRINT: Colours =
    Colours { text: (0x00, 0x00, 0x00), soft: (0x40, 0x40, 0x40), rule: (0x80, 0x80, 0x80), ..LIGHT };

impl Theme {
    fn colours(self) -> &'static Colours {
        match self {
            Self::Light => &LIGHT,
            Self::Dark => &DARK,
            Self::Print => &PRINT,
        }
    }

    /// The colour of a tone.
    pub fn rgb(self, tone: Tone) -> Rgb {
        let colours = self.colours();
        match tone {
            Tone::Page => colours.page,
            Tone::Text => colours.text,
            Tone::Soft => colours.soft,
            Tone::Rule => colours.rule,
            Tone::Grid => colours.grid,
            Tone::Series(i) => colours.series[i % COLOURS],
            Tone::Label(i) => colours.label[i % COLOURS],
        }
    }

    /// All colours, each once or more.
    pub fn all(self) -> Vec<Rgb> {
        let Colours { page, text, soft, rule, grid, series, label } = *self.colours();
        [page, text, soft, rule, grid].into_iter().chain(series).chain(label).collect()
    }

    /// The colour as CSS writes it.
    pub fn css(self, tone: Tone) -> String {
        let (r, g, b) = self.rgb(tone);
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Linear = [f64; 3];
    const PROTAN: [Linear; 3] =
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]];
    const DEUTAN: [Linear; 3] =
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]];

    fn linear((r, g, b): Rgb) -> Linear {
        [r, g, b].map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn seen_by(matrix: &[Linear; 3], colour: Linear) -> Linear {
        matrix.map(|row| row.iter().zip(colour).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0))
    }

    fn luminance([r, g, b]: Linear) -> f64 {
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let (a, b) = (luminance(linear(a)), luminance(linear(b)));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// CIE L*a*b* under D65.
    fn lab([r, g, b]: Linear) -> Linear {
        let x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047;
        let y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b;
        let z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883;
        let [x, y, z] = [x, y, z]
            .map(|t: f64| if t > 216.0 / 24389.0 { t.cbrt() } else { (24389.0 / 27.0 * t + 16.0) / 116.0 });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    fn distance(a: Linear, b: Linear) -> f64 {
        let (a, b) = (lab(a), lab(b));
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn text_and_marks_stand_out_from_the_page() {
        for theme in [Theme::Light, Theme::Dark, Theme::Print] {
            let against = |tone| contrast(theme.rgb(tone), theme.rgb(Tone::Page));
            for tone in [Tone::Text, Tone::Soft].into_iter().chain((0..COLOURS).map(Tone::Label)) {
                assert!(against(tone) >= 4.5, "{theme:?} {tone:?} {}", against(tone));
            }
            for i in 0..COLOURS {
                assert!(against(Tone::Series(i)) >= 3.0, "{theme:?} {i} {}", against(Tone::Series(i)));
            }
        }
    }

    #[test]
    fn series_stay_apart_for_every_eye_and_in_grey() {
        for theme in [Theme::Light, Theme::Dark, Theme::Print] {
            for (i, j) in (0..COLOURS).flat_map(|i| (0..i).map(move |j| (i, j))) {
                let [a, b] = [i, j].map(|k| linear(theme.rgb(Tone::Series(k))));
                for (eye, matrix) in [("protanopia", &PROTAN), ("deuteranopia", &DEUTAN)] {
                    let apart = distance(seen_by(matrix, a), seen_by(matrix, b));
                    assert!(apart >= 20.0, "{theme:?} {i} {j} {eye} {apart}");
                }
                assert!(distance(a, b) >= 30.0, "{theme:?} {i} {j}");
                assert!((lab(a)[0] - lab(b)[0]).abs() >= 10.0, "{theme:?} {i} {j} in grey");
            }
        }
    }
}
