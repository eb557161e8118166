//! Colours, sizes, and how a series is told apart: the same in every figure.
//!
//! A mark names a [`Tone`], and a [`Theme`] says what colour that is, so that one scene can be printed, projected and read in the
//! dark. Series differ in colour, marker and dash at once. The six colours of a theme were searched for: any two stay apart
//! under simulated deuteranopia and protanopia (Machado, Oliveira & Fernandes 2009) and in grey, which tests hold them to.

mod colours;

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
    /// A triangle that points left: what lies beyond that end of an axis.
    Left,
    /// A triangle that points right.
    Right,
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

/// CSS rules that show a picture of the light theme in the dark one; `words` selects the elements that its text is drawn with.
pub fn dark_css(words: &str) -> String {
    let tones = [Tone::Page, Tone::Text, Tone::Soft, Tone::Rule, Tone::Grid];
    let own = (0..COLOURS).flat_map(|i| [Tone::Series(i), Tone::Label(i)]);
    let rule = |tone: Tone| {
        let (from, to) = (Theme::Light.css(tone), Theme::Dark.css(tone));
        // A name has a colour of its own where its marks have too little contrast for text.
        let only = if matches!(tone, Tone::Label(_)) { words } else { "" };
        format!(
            "svg {only}[fill=\"{from}\"] {{ fill: {to}; }} svg {only}[stroke=\"{from}\"] {{ stroke: {to}; }}\n"
        )
    };
    tones.into_iter().chain(own).map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let css = dark_css("text");
        for tone in
            [Tone::Page, Tone::Text, Tone::Soft, Tone::Rule, Tone::Grid, Tone::Series(3), Tone::Label(1)]
        {
            let selector =
                format!("[fill=\"{}\"] {{ fill: {}; }}", Theme::Light.css(tone), Theme::Dark.css(tone));
            assert!(css.contains(&selector), "{selector}");
        }
    }
}
