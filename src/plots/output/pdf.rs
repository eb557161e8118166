//! PDF: one page of the picture's size, its text as text in the embedded font.

use super::Look;
use crate::plots::font;
use crate::plots::scene::{Align, Mark, Place, Scene, corners, text_width};
use crate::plots::theme::{Ink, Rgb, Shape, Theme, Tone};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, LineJoinStyle, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use std::collections::BTreeMap;
use std::io::{self, Write};
use ttf_parser::GlyphId;

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
const FONT_NAMES: [&[u8]; 2] = [b"TCATCH+Roboto", b"TCATCH+Roboto-Bold"];
const IDENTITY: SystemInfo<'_> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
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
                let left = match align {
                    Align::Left => at.0,
                    Align::Centre => at.0 - width / 2.0,
                    Align::Right => at.0 - width,
                };
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
        let mut run: Vec<u8> = Vec::new();
        for c in text.chars() {
            let id = font::glyph(c, bold).0.unwrap_or(GlyphId(0));
            self.used[face].entry(id.0).or_insert(c);
            run.extend(id.0.to_be_bytes());
        }
        self.content.show(Str(&run)).end_text();
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

/// A face with its file, widths, and the characters of its glyphs, so that text can be searched and copied.
fn embed(pdf: &mut Pdf, bold: bool, used: &BTreeMap<u16, char>) -> Option<()> {
    let face = font::face(bold)?;
    let [whole, descendant, descriptor, file, characters] =
        [0, 1, 2, 3, 4].map(|i| Ref::new(FACES[usize::from(bold)] + i));
    let name = Name(FONT_NAMES[usize::from(bold)]);
    let per_em = 1000.0 / f32::from(face.units_per_em());
    pdf.type0_font(whole)
        .base_font(name)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(descendant)
        .to_unicode(characters);
    let mut cid = pdf.cid_font(descendant);
    cid.subtype(CidFontType::Type2).base_font(name).system_info(IDENTITY).font_descriptor(descriptor);
    cid.default_width(0.0).cid_to_gid_map_predefined(Name(b"Identity"));
    let advances = (0..face.number_of_glyphs())
        .map(|id| f32::from(face.glyph_hor_advance(GlyphId(id)).unwrap_or(0)) * per_em);
    cid.widths().consecutive(0, advances);
    cid.finish();
    let bounds = face.global_bounding_box();
    pdf.font_descriptor(descriptor)
        .name(name)
        .flags(FontFlags::NON_SYMBOLIC)
        .bbox(Rect::new(
            f32::from(bounds.x_min) * per_em,
            f32::from(bounds.y_min) * per_em,
            f32::from(bounds.x_max) * per_em,
            f32::from(bounds.y_max) * per_em,
        ))
        .italic_angle(0.0)
        .ascent(f32::from(face.ascender()) * per_em)
        .descent(f32::from(face.descender()) * per_em)
        .cap_height(f32::from(face.capital_height().unwrap_or(face.ascender())) * per_em)
        .stem_v(if bold { 140.0 } else { 80.0 })
        .font_file2(file);
    let bytes = font::bytes(bold);
    let packed = packed(bytes).ok()?;
    pdf.stream(file, &packed).filter(Filter::FlateDecode).pair(Name(b"Length1"), bytes.len() as i32);
    let mut map = UnicodeCmap::new(Name(b"Characters"), IDENTITY);
    used.iter().for_each(|(id, c)| map.pair(*id, *c));
    pdf.cmap(characters, &map.finish());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
