//! A figure as a list of plain marks, and the one function that draws it on any plotters backend.
//!
//! Lengths are CSS pixels with a fractional part. Backends count whole units, so a scene is enlarged before it is drawn: the SVG
//! shrinks back through its `viewBox`, the PNG by averaging blocks of pixels.

use super::theme::{self, FONT, Ink};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, RGBAColor, ShapeStyle, TextStyle};
use std::fmt::Display;
use std::path::Path;

/// A place, from the top left corner.
pub type Place = (f64, f64);

/// Which end of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Its start.
    Left,
    /// Its middle.
    Centre,
    /// Its end.
    Right,
}

/// One thing drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A line through the points.
    Line {
        /// The points.
        points: Vec<Place>,
        /// Its colour.
        ink: Ink,
        /// Its width.
        width: f64,
    },
    /// A filled polygon.
    Area {
        /// Its corners.
        points: Vec<Place>,
        /// Its colour.
        ink: Ink,
    },
    /// A filled circle.
    Dot {
        /// Its centre.
        at: Place,
        /// Its radius.
        radius: f64,
        /// Its colour.
        ink: Ink,
    },
    /// A line of text.
    Text {
        /// Its place on the baseline.
        at: Place,
        /// What it says.
        text: String,
        /// Its size.
        size: f64,
        /// Whether it is bold.
        bold: bool,
        /// Which end stands at `at`.
        align: Align,
        /// Its colour.
        ink: Ink,
    },
}

/// Marks on a white page.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Marks, the later over the earlier.
    pub marks: Vec<Mark>,
}

/// What a backend makes of lengths and font sizes.
#[derive(Debug, Clone, Copy)]
struct Medium {
    /// Backend units per CSS pixel.
    scale: f64,
    /// plotters' font size per CSS font size.
    font: f64,
    /// From the text's anchor down to its baseline, per CSS font size.
    baseline: f64,
}

/// plotters writes a font size divided by 1.24 and moves the text down by .76 em.
const SVG: Medium = Medium { scale: 10.0, font: 1.24, baseline: 0.76 };
/// plotters takes the size as ascent plus descent of the face, (1900 + 500)/2048 em here, and puts the baseline half of it down.
const BITMAP: Medium = Medium { scale: 6.0, font: 1.171_875, baseline: 1.171_875 / 2.0 };
/// PNG pixels per CSS pixel; the bitmap is drawn `BITMAP.scale / PNG_SCALE` times larger and averaged.
const PNG_SCALE: usize = 2;

/// Width of a text in CSS pixels, in the embedded font.
pub fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    theme::register();
    // Measured large, for plotters counts whole pixels.
    let enlarged = 64.0;
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    let font = FontDesc::new(FontFamily::Name(FONT), size * enlarged * BITMAP.font, style);
    match font.layout_box(text) {
        Ok(((left, _), (right, _))) => f64::from(right - left) / enlarged,
        Err(_) => text.chars().count() as f64 * size * 0.55,
    }
}

impl Scene {
    /// An empty page.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, marks: Vec::new() }
    }

    /// Adds a line; fewer than two points draw nothing.
    pub fn line(&mut self, points: Vec<Place>, ink: Ink, width: f64) {
        if points.len() > 1 {
            self.marks.push(Mark::Line { points, ink, width });
        }
    }

    /// Adds a line of dashes `on` long with gaps of `off`.
    pub fn dashed(&mut self, points: &[Place], ink: Ink, width: f64, on: f64, off: f64) {
        let mut dash: Vec<Place> = points.first().copied().into_iter().collect();
        let (mut drawing, mut left) = (true, on);
        for pair in points.windows(2) {
            let (mut from, to) = (pair[0], pair[1]);
            loop {
                let length = (to.0 - from.0).hypot(to.1 - from.1);
                if length < left {
                    left -= length;
                    dash.push(to);
                    break;
                }
                let share = if length > 0.0 { left / length } else { 1.0 };
                from = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
                dash.push(from);
                let finished = std::mem::replace(&mut dash, vec![from]);
                if drawing {
                    self.line(finished, ink, width);
                }
                drawing = !drawing;
                left = if drawing { on } else { off };
            }
        }
        if drawing {
            self.line(dash, ink, width);
        }
    }

    /// Adds a filled polygon.
    pub fn area(&mut self, points: Vec<Place>, ink: Ink) {
        if points.len() > 2 {
            self.marks.push(Mark::Area { points, ink });
        }
    }

    /// Adds a filled circle.
    pub fn dot(&mut self, at: Place, radius: f64, ink: Ink) {
        self.marks.push(Mark::Dot { at, radius, ink });
    }

    /// Adds regular text with its baseline at `at`.
    pub fn text(&mut self, at: Place, text: impl Into<String>, size: f64, align: Align, ink: Ink) {
        self.marks.push(Mark::Text { at, text: text.into(), size, bold: false, align, ink });
    }

    /// Adds bold text with its baseline at `at`.
    pub fn bold(&mut self, at: Place, text: impl Into<String>, size: f64, align: Align, ink: Ink) {
        self.marks.push(Mark::Text { at, text: text.into(), size, bold: true, align, ink });
    }

    /// Draws all marks on any backend.
    fn draw<B: DrawingBackend>(&self, backend: &mut B, medium: Medium) -> Result<(), String> {
        let units = |x: f64| (x * medium.scale).round() as i32;
        let place = |(x, y): Place| (units(x), units(y));
        let colour = |ink: Ink| RGBAColor(ink.rgb.0, ink.rgb.1, ink.rgb.2, ink.alpha);
        let style = |ink: Ink, width: f64, filled| ShapeStyle {
            color: colour(ink),
            filled,
            stroke_width: units(width).max(1) as u32,
        };
        let page = (units(self.width), units(self.height));
        let white = ShapeStyle { color: RGBAColor(255, 255, 255, 1.0), filled: true, stroke_width: 0 };
        backend.draw_rect((0, 0), page, &white, true).map_err(text_of)?;
        for mark in &self.marks {
            match mark {
                Mark::Line { points, ink, width } => backend
                    .draw_path(points.iter().map(|p| place(*p)), &style(*ink, *width, false))
                    .map_err(text_of),
                Mark::Area { points, ink } => backend
                    .fill_polygon(points.iter().map(|p| place(*p)), &style(*ink, 0.0, true))
                    .map_err(text_of),
                Mark::Dot { at, radius, ink } => backend
                    .draw_circle(place(*at), units(*radius).max(1) as u32, &style(*ink, 0.0, true), true)
                    .map_err(text_of),
                Mark::Text { at, text, size, bold, align, ink } => {
                    let face = if *bold { FontStyle::Bold } else { FontStyle::Normal };
                    let font = FontDesc::new(FontFamily::Name(FONT), size * medium.scale * medium.font, face);
                    let horizontal = match align {
                        Align::Left => HPos::Left,
                        Align::Centre => HPos::Center,
                        Align::Right => HPos::Right,
                    };
                    let colour = colour(*ink);
                    let style = TextStyle::from(font).color(&colour).pos(Pos::new(horizontal, VPos::Top));
                    let top = (at.0, at.1 - medium.baseline * size);
                    backend.draw_text(text, &style, place(top)).map_err(text_of)
                }
            }?;
        }
        backend.present().map_err(text_of)
    }

    /// The scene as an SVG document with a title and a description for screen readers.
    pub fn svg(&self, title: &str, description: &str) -> Result<String, String> {
        if !theme::register() {
            return Err("the embedded font cannot be read".to_owned());
        }
        let mut body = String::new();
        let size = ((self.width * SVG.scale).round() as u32, (self.height * SVG.scale).round() as u32);
        self.draw(&mut SVGBackend::with_string(&mut body, size), SVG)?;
        let start = body.find('>').map_or(0, |end| end + 1);
        let head = format!(
            "<svg width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">\n\
             <title>{}</title>\n<desc>{}</desc>",
            self.width,
            self.height,
            size.0,
            size.1,
            escape(title),
            escape(description)
        );
        Ok(head + &body[start..])
    }

    /// Writes the scene as a PNG with two pixels per CSS pixel.
    pub fn png(&self, path: &Path) -> Result<(), String> {
        if !theme::register() {
            return Err("the embedded font cannot be read".to_owned());
        }
        let block = BITMAP.scale as usize / PNG_SCALE;
        let (width, height) = ((self.width as usize) * PNG_SCALE, (self.height as usize) * PNG_SCALE);
        let row = width * block * 3;
        let mut large = vec![255u8; row * height * block];
        {
            let size = ((width * block) as u32, (height * block) as u32);
            self.draw(&mut BitMapBackend::with_buffer(&mut large, size), BITMAP)?;
        }
        let mut small = Vec::with_capacity(width * height * 3);
        let area = (block * block) as u32;
        for rows in large.chunks_exact(row * block) {
            for x in 0..width {
                for channel in 0..3 {
                    let mut sum = 0u32;
                    for line in rows.chunks_exact(row) {
                        let pixels = line.iter().skip(x * block * 3 + channel).step_by(3).take(block);
                        sum += pixels.map(|&p| u32::from(p)).sum::<u32>();
                    }
                    small.push(((sum + area / 2) / area) as u8);
                }
            }
        }
        let size = (width as u32, height as u32);
        let mut file = BitMapBackend::new(path, size);
        file.blit_bitmap((0, 0), size, &small).map_err(text_of)?;
        file.present().map_err(text_of)
    }
}

fn text_of(error: impl Display) -> String {
    error.to_string()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::theme::BLACK;

    #[test]
    fn dashes_cover_their_share_of_the_line() {
        let mut scene = Scene::new(10.0, 10.0);
        scene.dashed(&[(0.0, 0.0), (7.0, 0.0), (12.0, 0.0)], BLACK, 1.0, 3.0, 2.0);
        let spans: Vec<(f64, f64)> = scene
            .marks
            .iter()
            .map(|mark| match mark {
                Mark::Line { points, .. } => (points[0].0, points[points.len() - 1].0),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(spans, [(0.0, 3.0), (5.0, 8.0), (10.0, 12.0)]);
    }

    #[test]
    fn text_is_measured_in_the_embedded_font() {
        // Advance widths in the face: H 1460/2048 em regular, 1448 bold; x 1015.
        assert!((text_width("H", 2048.0, false) - 1460.0).abs() < 2.0, "{}", text_width("H", 2048.0, false));
        assert!(text_width("xx", 10.0, false) > 1.9 * text_width("x", 10.0, false));
    }

    #[test]
    fn markup_in_text_stays_text() {
        let mut scene = Scene::new(10.0, 10.0);
        scene.text((0.0, 9.0), "<script>&", 5.0, Align::Left, BLACK);
        let svg = scene.svg("a<b", "c&d").unwrap();
        assert!(svg.contains("&lt;script&gt;&amp;") && svg.contains("<title>a&lt;b</title>"));
        assert!(!svg.contains("<script"));
    }
}
