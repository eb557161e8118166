//! PNG: the marks as filled and stroked paths, with the resolution that gives them their printed size.

use super::Look;
use crate::plots::font;
use crate::plots::scene::{Align, Mark, Place, Scene, corners, text_width};
use crate::plots::theme::{Ink, Shape, Theme, Tone};
use tiny_skia::{Color, FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, StrokeDash, Transform};
use ttf_parser::{GlyphId, OutlineBuilder};

/// The scene's pixels as a file.
pub(super) fn write(scene: &Scene, look: Look) -> Result<Vec<u8>, String> {
    let scale = look.size.pixels();
    let (width, height) = ((scene.width * scale).round() as u32, (scene.height * scale).round() as u32);
    let mut page = Pixmap::new(width, height)
        .ok_or_else(|| format!("a picture of {width} × {height} pixels is too large"))?;
    let (r, g, b) = look.theme.rgb(Tone::Page);
    page.fill(Color::from_rgba8(r, g, b, 255));
    let transform = Transform::from_scale(scale as f32, scale as f32);
    for mark in &scene.marks {
        draw(&mut page, mark, look.theme, transform);
    }
    // The page is opaque, so that colours are not multiplied by anything.
    let rgb: Vec<u8> = page.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let dots = scale / look.size.unit() * 72.0;
    encode((width, height), &rgb, dots).map_err(|error| error.to_string())
}

fn encode((width, height): (u32, u32), rgb: &[u8], dots: f64) -> Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let per_metre = (dots / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(out)
}

fn paint(ink: Ink, theme: Theme) -> Paint<'static> {
    let (r, g, b) = theme.rgb(ink.tone);
    let mut paint = Paint::default();
    paint.set_color_rgba8(r, g, b, (ink.alpha.clamp(0.0, 1.0) * 255.0).round() as u8);
    paint.anti_alias = true;
    paint
}

fn draw(page: &mut Pixmap, mark: &Mark, theme: Theme, transform: Transform) {
    match mark {
        Mark::Line { points, ink, width, dash } => {
            let pattern: Vec<f32> = dash.pattern().iter().map(|x| *x as f32).collect();
            let stroke = Stroke {
                width: *width as f32,
                line_join: LineJoin::Round,
                dash: StrokeDash::new(pattern, 0.0),
                ..Stroke::default()
            };
            if let Some(path) = polygon(points, false) {
                page.stroke_path(&path, &paint(*ink, theme), &stroke, transform, None);
            }
        }
        Mark::Area { points, ink } => fill(page, polygon(points, true), *ink, theme, transform),
        Mark::Dot { at, radius, ink, shape: Shape::Circle } => {
            let disc = PathBuilder::from_circle(at.0 as f32, at.1 as f32, *radius as f32);
            fill(page, disc, *ink, theme, transform);
        }
        Mark::Dot { at, radius, ink, shape } => {
            let around: Vec<Place> =
                corners(*shape).iter().map(|c| (at.0 + radius * c.0, at.1 + radius * c.1)).collect();
            fill(page, polygon(&around, true), *ink, theme, transform);
        }
        Mark::Text { at, text, size, bold, align, ink } => {
            let width = text_width(text, *size, *bold);
            let left = match align {
                Align::Left => at.0,
                Align::Centre => at.0 - width / 2.0,
                Align::Right => at.0 - width,
            };
            fill(page, outlines(text, (left, at.1), *size, *bold), *ink, theme, transform);
        }
    }
}

fn fill(page: &mut Pixmap, path: Option<Path>, ink: Ink, theme: Theme, transform: Transform) {
    if let Some(path) = path {
        page.fill_path(&path, &paint(ink, theme), FillRule::Winding, transform, None);
    }
}

fn polygon(points: &[Place], closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    let mut places = points.iter().map(|(x, y)| (*x as f32, *y as f32));
    let (x, y) = places.next()?;
    builder.move_to(x, y);
    places.for_each(|(x, y)| builder.line_to(x, y));
    if closed {
        builder.close();
    }
    builder.finish()
}

/// A text as one path.
fn outlines(text: &str, (left, base): Place, size: f64, bold: bool) -> Option<Path> {
    let face = font::face(bold)?;
    let scale = size / f64::from(face.units_per_em());
    let mut pen = Pen { builder: PathBuilder::new(), x: left, y: base, scale };
    for c in text.chars() {
        let (glyph, advance) = font::glyph(c, bold);
        // The first glyph of a font stands for all that it lacks.
        face.outline_glyph(glyph.unwrap_or(GlyphId(0)), &mut pen);
        pen.x += advance * size;
    }
    pen.builder.finish()
}

/// A glyph's outline, moved and scaled into the scene.
struct Pen {
    builder: PathBuilder,
    x: f64,
    y: f64,
    scale: f64,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        ((self.x + f64::from(x) * self.scale) as f32, (self.y - f64::from(y) * self.scale) as f32)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.move_to(x, y);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.line_to(x, y);
    }
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.builder.quad_to(x1, y1, x, y);
    }
    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.builder.cubic_to(x1, y1, x2, y2, x, y);
    }
    fn close(&mut self) {
        self.builder.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::sheet::{DPI, Size};
    use crate::plots::theme::PALETTE;

    #[test]
    fn a_picture_has_its_printed_size_and_its_colours() {
        let look = Look { size: Size::Column, theme: Theme::Dark };
        let mut scene = Scene::new(look.size.width(), 50.0);
        scene.area(vec![(0.0, 0.0), (100.0, 0.0), (100.0, 50.0), (0.0, 50.0)], PALETTE[1]);
        let file = write(&scene, look).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
        assert_eq!(reader.info().width, 975);
        assert_eq!(reader.info().pixel_dims.map(|dims| dims.xppu), Some((DPI / 0.0254).round() as u32));
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let at = |x: usize| (pixels[3 * x], pixels[3 * x + 1], pixels[3 * x + 2]);
        assert_eq!(at(20), Theme::Dark.rgb(Tone::Series(1)));
        assert_eq!(at(900), Theme::Dark.rgb(Tone::Page));
    }

    #[test]
    fn text_leaves_ink_where_it_stands() {
        let mut scene = Scene::new(720.0, 30.0);
        scene.text((700.0, 20.0), "Right", 12.0, Align::Right, PALETTE[0]);
        let file = write(&scene, Look::default()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
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
