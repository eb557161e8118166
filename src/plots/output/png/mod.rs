//! PNG: the marks drawn by plotters, larger than they will be and averaged, with the resolution that gives them their printed size.

mod palette;

use super::Look;
use crate::plots::font;
use crate::plots::scene::{Mark, Place, Scene, corners, text_width};
use crate::plots::theme::{FONT, Ink, Shape, Theme, Tone};
use palette::Indexed;
use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, RGBAColor, ShapeStyle, TextStyle, register_font};
use std::fmt::Display;
use std::sync::LazyLock;

/// Pixels that are drawn for each pixel of the picture, in either direction.
const BLOCK: usize = 3;
/// plotters' font size per size: ascent and descent of the face, (1900 + 500)/2048 em.
const ASCENT_AND_DESCENT: f64 = 1.171_875;

/// The embedded font, made known to plotters.
static REGISTERED: LazyLock<bool> = LazyLock::new(|| {
    register_font(FONT, FontStyle::Normal, font::bytes(false)).is_ok()
        && register_font(FONT, FontStyle::Bold, font::bytes(true)).is_ok()
});

/// The scene's pixels as a file.
pub(super) fn write(scene: &Scene, look: Look) -> Result<Vec<u8>, String> {
    if !*REGISTERED {
        return Err("the embedded font cannot be read".to_owned());
    }
    let scale = look.size.pixels();
    let (width, height) = ((scene.width * scale).round() as u32, (scene.height * scale).round() as u32);
    let too_large = || format!("a picture of {width} × {height} pixels is too large");
    let (wide, tall) = (width as usize * BLOCK, height as usize * BLOCK);
    let bytes = wide.checked_mul(tall).and_then(|pixels| pixels.checked_mul(3)).ok_or_else(too_large)?;
    let mut large = Vec::new();
    large.try_reserve_exact(bytes).map_err(|_| too_large())?;
    large.resize(bytes, 255);
    {
        let mut backend = BitMapBackend::with_buffer(&mut large, (wide as u32, tall as u32));
        let canvas = Canvas { scale: scale * BLOCK as f64, theme: look.theme };
        canvas.draw(&mut backend, scene, (wide as i32, tall as i32))?;
    }
    let dots = scale / look.size.unit() * 72.0;
    encode((width, height), &averaged(&large, width as usize), (look.theme, dots)).map_err(text_of)
}

/// The picture whose pixels are the means of blocks.
fn averaged(large: &[u8], width: usize) -> Vec<u8> {
    let row = width * BLOCK * 3;
    let area = (BLOCK * BLOCK) as u32;
    let mut small = Vec::with_capacity(large.len() / (BLOCK * BLOCK));
    for rows in large.chunks_exact((row * BLOCK).max(1)) {
        for x in 0..width {
            for channel in 0..3 {
                let own = rows.chunks_exact(row).flat_map(|line| {
                    line.iter().skip(x * BLOCK * 3 + channel).step_by(3).take(BLOCK).map(|p| u32::from(*p))
                });
                small.push(((own.sum::<u32>() + area / 2) / area) as u8);
            }
        }
    }
    small
}

fn encode(
    (width, height): (u32, u32),
    rgb: &[u8],
    (theme, dots): (Theme, f64),
) -> Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    let Indexed { palette, pixels } = Indexed::of(rgb, &theme.all());
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette);
    // Flat areas repeat as they are: what a filter would leave of them is longer.
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let per_metre = (dots / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(out)
}

fn text_of(error: impl Display) -> String {
    error.to_string()
}

/// How marks come onto a backend that counts whole pixels.
struct Canvas {
    /// Pixels that are drawn for each unit of the scene.
    scale: f64,
    theme: Theme,
}

impl Canvas {
    fn units(&self, x: f64) -> i32 {
        (x * self.scale).round() as i32
    }

    fn place(&self, (x, y): Place) -> (i32, i32) {
        (self.units(x), self.units(y))
    }

    fn colour(&self, ink: Ink) -> RGBAColor {
        let (r, g, b) = self.theme.rgb(ink.tone);
        RGBAColor(r, g, b, ink.alpha)
    }

    fn filled(&self, ink: Ink) -> ShapeStyle {
        ShapeStyle { color: self.colour(ink), filled: true, stroke_width: 0 }
    }

    fn draw<B: DrawingBackend>(
        &self,
        backend: &mut B,
        scene: &Scene,
        corner: (i32, i32),
    ) -> Result<(), String> {
        let (r, g, b) = self.theme.rgb(Tone::Page);
        let page = ShapeStyle { color: RGBAColor(r, g, b, 1.0), filled: true, stroke_width: 0 };
        backend.draw_rect((0, 0), corner, &page, true).map_err(text_of)?;
        for mark in &scene.marks {
            self.mark(backend, mark)?;
        }
        backend.present().map_err(text_of)
    }

    fn mark<B: DrawingBackend>(&self, backend: &mut B, mark: &Mark) -> Result<(), String> {
        match mark {
            Mark::Line { points, ink, width, dash } => {
                let style = ShapeStyle {
                    color: self.colour(*ink),
                    filled: false,
                    stroke_width: self.units(*width).max(1) as u32,
                };
                let pattern = dash.pattern();
                let pieces = if pattern.is_empty() { vec![points.clone()] } else { dashes(points, pattern) };
                for piece in pieces {
                    backend.draw_path(piece.iter().map(|p| self.place(*p)), &style).map_err(text_of)?;
                }
                Ok(())
            }
            Mark::Area { points, ink } => self.polygon(backend, points, *ink),
            Mark::Dot { at, radius, ink, shape: Shape::Circle } => {
                let radius = self.units(*radius).max(1) as u32;
                backend.draw_circle(self.place(*at), radius, &self.filled(*ink), true).map_err(text_of)
            }
            Mark::Dot { at, radius, ink, shape } => {
                let around: Vec<Place> =
                    corners(*shape).iter().map(|c| (at.0 + radius * c.0, at.1 + radius * c.1)).collect();
                self.polygon(backend, &around, *ink)
            }
            Mark::Text { at, text, size, bold, align, ink } => {
                let width = text_width(text, *size, *bold);
                let left = align.start(at.0, width);
                let face = if *bold { FontStyle::Bold } else { FontStyle::Normal };
                let font =
                    FontDesc::new(FontFamily::Name(FONT), size * self.scale * ASCENT_AND_DESCENT, face);
                let colour = self.colour(*ink);
                let style = TextStyle::from(font).color(&colour).pos(Pos::new(HPos::Left, VPos::Top));
                // The baseline is half of what plotters takes for the size below the top.
                let top = at.1 - size * ASCENT_AND_DESCENT / 2.0;
                backend.draw_text(text, &style, self.place((left, top))).map_err(text_of)
            }
        }
    }

    fn polygon<B: DrawingBackend>(&self, backend: &mut B, points: &[Place], ink: Ink) -> Result<(), String> {
        backend.fill_polygon(points.iter().map(|p| self.place(*p)), &self.filled(ink)).map_err(text_of)
    }
}

/// The dashes of a line; `pattern` is the lengths of dashes and gaps in turn.
fn dashes(points: &[Place], pattern: &[f64]) -> Vec<Vec<Place>> {
    let mut lengths = pattern.iter().copied().cycle();
    let mut left = lengths.next().unwrap_or(f64::INFINITY);
    let mut dash: Vec<Place> = points.first().copied().into_iter().collect();
    let (mut drawing, mut found) = (true, Vec::new());
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
                found.push(finished);
            }
            drawing = !drawing;
            left = lengths.next().unwrap_or(f64::INFINITY);
        }
    }
    if drawing && dash.len() > 1 {
        found.push(dash);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::scene::Align;
    use crate::plots::sheet::{DPI, Size};
    use crate::plots::theme::PALETTE;

    /// The pixels in red, green and blue.
    fn decoder(file: &[u8]) -> png::Reader<std::io::Cursor<&[u8]>> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        decoder.read_info().unwrap()
    }

    #[test]
    fn a_picture_has_its_printed_size_and_its_colours() {
        let look = Look { size: Size::Column, theme: Theme::Dark };
        let mut scene = Scene::new(look.size.width(), 50.0);
        scene.area(vec![(0.0, 0.0), (100.0, 0.0), (100.0, 50.0), (0.0, 50.0)], PALETTE[1]);
        let file = write(&scene, look).unwrap();
        let mut reader = decoder(&file);
        assert_eq!(reader.info().width, 975);
        assert_eq!(reader.info().pixel_dims.map(|dims| dims.xppu), Some((DPI / 0.0254).round() as u32));
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let at = |x: usize| (pixels[3 * x], pixels[3 * x + 1], pixels[3 * x + 2]);
        assert_eq!(at(20), Theme::Dark.rgb(Tone::Series(1)));
        assert_eq!(at(900), Theme::Dark.rgb(Tone::Page));
    }

    #[test]
    fn dashes_cover_their_share_of_the_line() {
        let spans: Vec<(f64, f64)> = dashes(&[(0.0, 0.0), (7.0, 0.0), (12.0, 0.0)], &[3.0, 2.0])
            .iter()
            .map(|dash| (dash[0].0, dash[dash.len() - 1].0))
            .collect();
        assert_eq!(spans, [(0.0, 3.0), (5.0, 8.0), (10.0, 12.0)]);
    }

    #[test]
    fn text_leaves_ink_where_it_stands() {
        let mut scene = Scene::new(720.0, 30.0);
        scene.text((700.0, 20.0), "Right", 12.0, Align::Right, PALETTE[0]);
        let file = write(&scene, Look::default()).unwrap();
        let mut reader = decoder(&file);
        let width = reader.info().width as usize;
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let inked: Vec<usize> =
            (0..pixels.len() / 3).filter(|i| pixels[3 * i] < 128).map(|i| i % width).collect();
        let scale = Size::Page.pixels();
        let (left, right) = (inked.iter().min().unwrap(), inked.iter().max().unwrap());
        let expected = (700.0 - text_width("Right", 12.0, false)) * scale;
        assert!(
            (*left as f64 - expected).abs() < 6.0 && (*right as f64 - 700.0 * scale).abs() < 6.0,
            "{left} {right}"
        );
    }
}
