//! Colours, sizes, and how a series is told apart: the same in every figure.
//!
//! A mark names a [`Tone`], and a [`Theme`] says what colour that is, so that one scene can be printed, projected and read in the
//! dark. Series differ in colour, marker and dash at once. The six colours of a theme were searched for: any two stay apart
//! under simulated deuteranopia and protanopia (Machado, Oliveira & Fernandes 2009) and in grey, which tests hold them to.

use clap::ValueEnum;

/// CSS font stack of all text; the first is embedded.
pub const FONT: &str = "Roboto, Helvetica Neue, Arial, sans-serif";

/// Size of tick labels and direct labels, in units of the scene: at least 7 pt at every printed size.
pub const SMALL: f64 = 11.5;
/// Size of axis and panel titles, in units.
pub const NORMAL: f64 = 12.5;
/// Width of a data line, in units.
pub const LINE: f64 = 1.8;
/// Width of axes and ticks, in units.
pub const HAIR: f64 = 0.8;
/// Opacity of a band.
pub const BAND: f64 = 0.16;

/// Red, green, blue.
pub type Rgb = (u8, u8, u8);

/// What a colour is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// The page.
    Page,
    /// Text and axes.
    Text,
    /// Tick labels and notes.
    Soft,
    /// Reference lines.
    Rule,
    /// Grid lines.
    Grid,
    /// Marks of a series.
    Series(usize),
    /// The name of a series.
    Label(usize),
}

/// A tone with its opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ink {
    /// What it is for.
    pub tone: Tone,
    /// 0 = invisible, 1 = opaque.
    pub alpha: f64,
}

impl Ink {
    const fn opaque(tone: Tone) -> Self {
        Self { tone, alpha: 1.0 }
    }

    /// The same tone at another opacity.
    pub const fn at(self, alpha: f64) -> Self {
        Self { tone: self.tone, alpha }
    }

    /// The same for text, which needs more contrast than marks do.
    pub fn text(self) -> Self {
        Self::opaque(match self.tone {
            Tone::Series(i) => Tone::Label(i),
            Tone::Rule | Tone::Grid => Tone::Soft,
            tone => tone,
        })
    }
}

/// The page.
pub const WHITE: Ink = Ink::opaque(Tone::Page);
/// Text and axes.
pub const BLACK: Ink = Ink::opaque(Tone::Text);
/// Tick labels and notes.
pub const GREY: Ink = Ink::opaque(Tone::Soft);
/// Reference lines.
pub const SILVER: Ink = Ink::opaque(Tone::Rule);
/// Grid lines.
pub const GRID: Ink = Ink::opaque(Tone::Grid);
/// How many colours series have.
pub const COLOURS: usize = 6;
/// The series' colours: blue, orange, green, red, navy, brown on white.
pub const PALETTE: [Ink; COLOURS] = [
    Ink::opaque(Tone::Series(0)),
    Ink::opaque(Tone::Series(1)),
    Ink::opaque(Tone::Series(2)),
    Ink::opaque(Tone::Series(3)),
    Ink::opaque(Tone::Series(4)),
    Ink::opaque(Tone::Series(5)),
];

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dash {
    /// In one.
    Solid,
    /// In dashes.
    Dashed,
    /// In dots.
    Dotted,
    /// In dashes and dots.
    DashDot,
}

impl Dash {
    /// Lengths of ink and gap in turn; empty for a line in one.
    pub fn pattern(self) -> &'static [f64] {
        match self {
            Self::Solid => &[],
            Self::Dashed => &[5.0, 3.5],
            Self::Dotted => &[1.6, 3.0],
            Self::DashDot => &[6.0, 2.5, 1.6, 2.5],
        }
    }
}

/// How a point is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A triangle that points up.
    Up,
    /// A square on its corner.
    Diamond,
    /// A triangle that points down.
    Down,
    /// A plus.
    Plus,
}

/// How a series is told apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pen {
    /// Its colour.
    pub ink: Ink,
    /// Its line.
    pub dash: Dash,
    /// Its points.
    pub shape: Shape,
}

impl Pen {
    /// A line in one, with round points.
    pub const fn plain(ink: Ink) -> Self {
        Self { ink, dash: Dash::Solid, shape: Shape::Circle }
    }
}

/// The pen of the `i`-th series: the first six differ in colour and neighbours in all three, the first 72 in something.
pub fn pen(i: usize) -> Pen {
    const DASHES: [Dash; 4] = [Dash::Solid, Dash::Dashed, Dash::DashDot, Dash::Dotted];
    const SHAPES: [Shape; 6] =
        [Shape::Circle, Shape::Square, Shape::Up, Shape::Diamond, Shape::Down, Shape::Plus];
    let turn = i + i / COLOURS;
    Pen { ink: PALETTE[i % COLOURS], dash: DASHES[turn % DASHES.len()], shape: SHAPES[turn % SHAPES.len()] }
}

/// What a picture is read on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Theme {
    /// A white screen
    #[default]
    Light,
    /// A dark screen
    Dark,
    /// Paper: black text, no colour behind it
    Print,
}

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

    /// The colour as CSS writes it.
    pub fn css(self, tone: Tone) -> String {
        let (r, g, b) = self.rgb(tone);
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

/// CSS rules that show a picture of the light theme in the dark one.
pub fn dark_css() -> String {
    let tones = [Tone::Page, Tone::Text, Tone::Soft, Tone::Rule, Tone::Grid];
    let own = (0..COLOURS).flat_map(|i| [Tone::Series(i), Tone::Label(i)]);
    let rule = |tone: Tone| {
        let (from, to) = (Theme::Light.css(tone), Theme::Dark.css(tone));
        // A name has a colour of its own where its marks have too little contrast for text.
        let only = if matches!(tone, Tone::Label(_)) { "text" } else { "" };
        format!(
            "svg {only}[fill=\"{from}\"] {{ fill: {to}; }} svg {only}[stroke=\"{from}\"] {{ stroke: {to}; }}\n"
        )
    };
    tones.into_iter().chain(own).map(rule).collect()
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

    #[test]
    fn no_two_of_many_series_are_drawn_alike_and_neighbours_differ_in_all() {
        let pens: Vec<Pen> = (0..72).map(pen).collect();
        for (i, one) in pens.iter().enumerate() {
            assert!(pens[..i].iter().all(|other| other != one), "{i}");
        }
        for pair in pens[..COLOURS].windows(2) {
            let (a, b) = (pair[0], pair[1]);
            assert!(a.ink != b.ink && a.dash != b.dash && a.shape != b.shape, "{a:?} {b:?}");
        }
    }

    #[test]
    fn every_colour_of_the_light_theme_has_one_in_the_dark() {
        let css = dark_css();
        for tone in
            [Tone::Page, Tone::Text, Tone::Soft, Tone::Rule, Tone::Grid, Tone::Series(3), Tone::Label(1)]
        {
            let selector =
                format!("[fill=\"{}\"] {{ fill: {}; }}", Theme::Light.css(tone), Theme::Dark.css(tone));
            assert!(css.contains(&selector), "{selector}");
        }
    }
}
