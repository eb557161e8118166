//! PDF: one page of the picture's size, its text as text in the embedded font.

mod face;

use super::Look;
use crate::plots::font;
use crate::plots::scene::{Mark, Place, Scene, corners, text_width};
use crate::plots::theme::{Ink, Rgb, Shape, Theme, Tone};
use face::embed;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::LineJoinStyle;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use std::collections::BTreeMap;
use std::io::{self, Write};

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const INFO: Ref = Ref::new(5);
/// First object of each face; a face takes five.
const FACES: [i32; 2] = [10, 20];
/// First of the opacities.
const STATES: i32 = 30;
/// Names of the faces within the page.
const NAMES: [&[u8]; 2] = [b"Regular", b"Bold"];
/// How far from a circle's end points its curve is held, per radius, with four cubic curves.
const ROUND: f64 = 0.552_284_75;

/// The scene as a document of one page.
pub(super) fn write(scene: &Scene, look: Look, title: &str) -> Result<Vec<u8>, String> {
    let mut drawing = Drawing::new(scene, look);
    drawing.page();
    for mark in &scene.marks {
        drawing.mark(mark);
    }
    let unit = look.size.unit();
    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG).pages(PAGES);
    pdf.pages(PAGES).kids([PAGE]).count(1);
    pdf.document_info(INFO).title(TextStr(title)).creator(TextStr("tailcatch"));
    let mut page = pdf.page(PAGE);
    page.media_box(Rect::new(0.0, 0.0, (scene.width * unit) as f32, (scene.height * unit) as f32));
    page.parent(PAGES).contents(CONTENT);
    let mut resources = page.resources();
    let mut fonts = resources.fonts();
    for (name, first) in NAMES.into_iter().zip(FACES) {
        fonts.pair(Name(name), Ref::new(first));
    }
    fonts.finish();
    let mut states = resources.ext_g_states();
    for (i, name) in drawing.states.values().enumerate() {
        states.pair(Name(name.as_bytes()), Ref::new(STATES + i as i32));
    }
    states.finish();
    resources.finish();
    page.finish();
    for (i, thousandths) in drawing.states.keys().enumerate() {
        let alpha = *thousandths as f32 / 1000.0;
        pdf.ext_graphics(Ref::new(STATES + i as i32)).stroking_alpha(alpha).non_stroking_alpha(alpha);
    }
    let Drawing { content, used, .. } = drawing;
    let content = packed(&content.finish()).map_err(|e| e.to_string())?;
    pdf.stream(CONTENT, &content).filter(Filter::FlateDecode);
    for bold in [false, true] {
        embed(&mut pdf, bold, &used[usize::from(bold)]).ok_or("the embedded font cannot be read")?;
    }
    Ok(pdf.finish())
}

/// The page's instructions as they come, and what they use.
struct Drawing {
    content: Content,
    unit: f64,
    size: Place,
    theme: Theme,
    /// Names of the opacities in use, by thousandths.
    states: BTreeMap<u32, String>,
    /// Glyphs in use with their character, for each face.
    used: [BTreeMap<u16, char>; 2],
}

impl Drawing {
    fn new(scene: &Scene, look: Look) -> Self {
        Self {
            content: Content::new(),
            unit: look.size.unit(),
            size: (scene.width, scene.height),
            theme: look.theme,
            states: BTreeMap::new(),
            used: [BTreeMap::new(), BTreeMap::new()],
        }
    }

    /// PDF counts from the lower left corner.
    fn at(&self, (x, y): Place) -> (f32, f32) {
        ((x * self.unit) as f32, ((self.size.1 - y) * self.unit) as f32)
    }

    fn page(&mut self) {
        let (width, height) = self.at((self.size.0, 0.0));
        let (r, g, b) = part(self.theme.rgb(Tone::Page));
        self.content.set_fill_rgb(r, g, b).rect(0.0, 0.0, width, height).fill_nonzero();
    }

    fn opacity(&mut self, ink: Ink) {
        let thousandths = (ink.alpha.clamp(0.0, 1.0) * 1000.0).round() as u32;
        let name = self.states.entry(thousandths).or_insert_with(|| format!("A{thousandths}")).clone();
        self.content.set_parameters(Name(name.as_bytes()));
    }

    fn fill(&mut self, ink: Ink) {
        self.opacity(ink);
        let (r, g, b) = part(self.theme.rgb(ink.tone));
        self.content.set_fill_rgb(r, g, b);
    }

    fn path(&mut self, points: &[Place]) {
        for (i, point) in points.iter().enumerate() {
            let (x, y) = self.at(*point);
            if i == 0 {
                self.content.move_to(x, y)
            } else {
                self.content.line_to(x, y)
            };
        }
    }

    fn mark(&mut self, mark: &Mark) {
        match mark {
            Mark::Line { points, ink, width, dash } => {
                self.opacity(*ink);
                let (r, g, b) = part(self.theme.rgb(ink.tone));
                let pattern: Vec<f32> = dash.pattern().iter().map(|x| (x * self.unit) as f32).collect();
                self.content
                    .set_stroke_rgb(r, g, b)
                    .set_line_width((width * self.unit) as f32)
                    .set_line_join(LineJoinStyle::RoundJoin)
                    .set_dash_pattern(pattern, 0.0);
                self.path(points);
                self.content.stroke();
            }
            Mark::Area { points, ink } => {
                self.fill(*ink);
                self.path(points);
                self.content.close_path().fill_nonzero();
            }
            Mark::Dot { at, radius, ink, shape: Shape::Circle } => {
                self.fill(*ink);
                self.disc(*at, *radius);
            }
            Mark::Dot { at, radius, ink, shape } => {
                self.fill(*ink);
                let around: Vec<Place> =
                    corners(*shape).iter().map(|c| (at.0 + radius * c.0, at.1 + radius * c.1)).collect();
                self.path(&around);
                self.content.close_path().fill_nonzero();
            }
            Mark::Text { at, text, size, bold, align, ink } => {
                let width = text_width(text, *size, *bold);
                let left = align.start(at.0, width);
                self.fill(*ink);
                self.text((left, at.1), text, *size, *bold);
            }
        }
    }

    fn disc(&mut self, centre: Place, radius: f64) {
        let ends = [(radius, 0.0), (0.0, radius), (-radius, 0.0), (0.0, -radius)];
        let place = |(x, y): Place| self.at((centre.0 + x, centre.1 + y));
        let start = place(ends[0]);
        let curves: Vec<[(f32, f32); 3]> = (0..4)
            .map(|i| {
                let (from, to) = (ends[i], ends[(i + 1) % 4]);
                let held = |a: Place, b: Place| (a.0 + ROUND * b.0, a.1 + ROUND * b.1);
                [place(held(from, to)), place(held(to, from)), place(to)]
            })
            .collect();
        self.content.move_to(start.0, start.1);
        for [a, b, c] in curves {
            self.content.cubic_to(a.0, a.1, b.0, b.1, c.0, c.1);
        }
        self.content.close_path().fill_nonzero();
    }

    fn text(&mut self, at: Place, text: &str, size: f64, bold: bool) {
        let face = usize::from(bold);
        let (x, y) = self.at(at);
        self.content.begin_text().set_font(Name(NAMES[face]), (size * self.unit) as f32);
        self.content.next_line(x, y);
        let (mut run, mut pen): (Vec<u8>, f64) = (Vec::new(), 0.0);
        let mut lacking: Vec<(f64, f64)> = Vec::new();
        let mut parts = self.content.show_positioned();
        let mut items = parts.items();
        for c in text.chars() {
            let (glyph, advance) = font::glyph(c, bold);
            match glyph {
                Some(id) => {
                    self.used[face].entry(id.0).or_insert(c);
                    run.extend(id.0.to_be_bytes());
                }
                None => {
                    items.show(Str(&run)).adjust((-1000.0 * advance) as f32);
                    run.clear();
                    lacking.push((at.0 + pen * size, advance * size));
                }
            }
            pen += advance;
        }
        items.show(Str(&run));
        items.finish();
        parts.finish();
        self.content.end_text();
        // What the font lacks is an empty box as wide as it was measured, as in the other formats.
        for (left, width) in lacking {
            let (inner, upper) = (0.12 * width, at.1 - 0.7 * size);
            let edges = (left + inner, left + width - inner);
            let corners = [(edges.0, at.1), (edges.1, at.1), (edges.1, upper), (edges.0, upper)];
            self.path(&corners);
            self.content
                .close_path()
                .set_line_width((0.06 * size * self.unit) as f32)
                .set_dash_pattern([], 0.0)
                .stroke();
        }
    }
}

fn part((r, g, b): Rgb) -> (f32, f32, f32) {
    (f32::from(r) / 255.0, f32::from(g) / 255.0, f32::from(b) / 255.0)
}

fn packed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::scene::Align;
    use crate::plots::sheet::Size;
    use crate::plots::theme::{BLACK, PALETTE};

    #[test]
    fn the_page_has_the_printed_size_and_opacities_are_kept() {
        let look = Look { size: Size::Column, theme: Theme::Light };
        let mut scene = Scene::new(look.size.width(), 100.0);
        scene.dot((10.0, 10.0), 3.0, PALETTE[0].at(0.25));
        scene.text((10.0, 50.0), "E[V] ≥ 0", 11.5, Align::Left, BLACK);
        let file = write(&scene, look, "Title").unwrap();
        let text = String::from_utf8_lossy(&file);
        assert!(text.starts_with("%PDF-") && text.trim_end().ends_with("%%EOF"));
        assert!(text.contains("/MediaBox [0 0 234 65]"), "{text}");
        assert!(text.contains("/ca 0.25") && text.contains("FontFile2") && text.contains("/A1000"));
        assert_eq!(file, write(&scene, look, "Title").unwrap());
    }

    /// The page's instructions, unpacked.
    fn instructions(scene: &Scene) -> String {
        let mut drawing = Drawing::new(scene, Look::default());
        scene.marks.iter().for_each(|mark| drawing.mark(mark));
        String::from_utf8_lossy(&drawing.content.finish()).into_owned()
    }

    #[test]
    fn what_the_font_lacks_is_a_box_of_its_measured_width_and_nothing_else_in_its_name() {
        let mut scene = Scene::new(100.0, 20.0);
        scene.text((10.0, 10.0), "a漢b", 10.0, Align::Left, BLACK);
        let text = instructions(&scene);
        assert!(
            text.contains("-1000") && text.contains("TJ") && text.lines().any(|line| line == "S"),
            "{text}"
        );
        let mut drawing = Drawing::new(&scene, Look::default());
        scene.marks.iter().for_each(|mark| drawing.mark(mark));
        let named: Vec<char> = drawing.used[0].values().copied().collect();
        assert_eq!(named, ['a', 'b']);
        let mut plain = Scene::new(100.0, 20.0);
        plain.text((10.0, 10.0), "ab", 10.0, Align::Left, BLACK);
        assert!(!instructions(&plain).lines().any(|line| line == "S"));
    }
}
