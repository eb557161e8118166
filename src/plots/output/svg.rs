//! SVG: every mark an element, the numbers that it was drawn from beside it.

use super::Look;
use crate::plots::font;
use crate::plots::scene::{Align, Data, Mark, Place, Scene, corners};
use crate::plots::series::Point;
use crate::plots::sheet::Size;
use crate::plots::theme::{FONT, Ink, Shape, Theme, Tone, dark_css};
use base64::prelude::{BASE64_STANDARD, Engine};
use std::fmt::Write as _;

/// The scene as a document. Its text is drawn in the embedded font, its size is that of the print.
pub(super) fn write(scene: &Scene, look: Look, title: &str, description: &str) -> String {
    document(scene, look, title, description, &fonts(scene), false)
}

/// The scene as a document without fonts, which turns dark where its reader's page is. Its texts are as wide as in the font that they were laid out
/// for, whichever there is.
pub(super) fn write_inset(scene: &Scene, size: Size, title: &str, description: &str) -> String {
    let look = Look { size, theme: Theme::Light };
    let body = document(scene, look, title, description, "", true);
    let css = dark_css();
    let used = |rule: &&str| rule.split('\"').nth(1).is_some_and(|colour| body.contains(colour));
    let rules: Vec<&str> = css.lines().filter(used).collect();
    let style = format!("<style>@media (prefers-color-scheme: dark) {{ {} }}</style>\n", rules.join(" "));
    document(scene, look, title, description, &style, true)
}

fn document(scene: &Scene, look: Look, title: &str, description: &str, style: &str, fit: bool) -> String {
    let unit = look.size.unit();
    let mut out = format!(
        "<svg width=\"{}pt\" height=\"{}pt\" viewBox=\"0 0 {} {}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title>{}</title>\n<desc>{}</desc>\n{}",
        short(scene.width * unit),
        short(scene.height * unit),
        short(scene.width),
        short(scene.height),
        escape(title),
        escape(description),
        style,
    );
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "<rect x=\"0\" y=\"0\" width=\"{}\" height=\"{}\" fill=\"{}\"/>",
        short(scene.width),
        short(scene.height),
        look.theme.css(Tone::Page)
    );
    let mut data = scene.data.iter().peekable();
    for (i, mark) in scene.marks.iter().enumerate() {
        let own = data.next_if(|data| data.mark == i);
        element(&mut out, mark, own, look.theme, fit);
    }
    out.push_str("</svg>\n");
    out
}

/// The faces that the scene uses.
fn fonts(scene: &Scene) -> String {
    let uses =
        |wanted: bool| scene.marks.iter().any(|m| matches!(m, Mark::Text { bold, .. } if *bold == wanted));
    let mut rules = String::new();
    for bold in [false, true].into_iter().filter(|bold| uses(*bold)) {
        let _ = write!(
            rules,
            "@font-face{{font-family:Roboto;font-weight:{};src:url(data:font/ttf;base64,{})}}",
            if bold { 700 } else { 400 },
            BASE64_STANDARD.encode(font::bytes(bold))
        );
    }
    if rules.is_empty() { rules } else { format!("<style>{rules}</style>\n") }
}

fn element(out: &mut String, mark: &Mark, data: Option<&Data>, theme: Theme, fit: bool) {
    let (name, attributes) = match mark {
        Mark::Line { points, ink, width, dash } => {
            let dashes: Vec<String> = dash.pattern().iter().map(|x| short(*x)).collect();
            let dashes = if dashes.is_empty() {
                String::new()
            } else {
                format!(" stroke-dasharray=\"{}\"", dashes.join(" "))
            };
            let stroke = format!(
                "fill=\"none\" stroke=\"{}\"{} stroke-width=\"{}\" stroke-linejoin=\"round\"{dashes}",
                theme.css(ink.tone),
                opacity(*ink),
                short(*width)
            );
            ("polyline", format!("{stroke} points=\"{}\"", places(points)))
        }
        Mark::Area { points, ink } => {
            ("polygon", format!("{} points=\"{}\"", fill(*ink, theme), places(points)))
        }
        Mark::Dot { at, radius, ink, shape: Shape::Circle } => (
            "circle",
            format!(
                "{} cx=\"{}\" cy=\"{}\" r=\"{}\"",
                fill(*ink, theme),
                short(at.0),
                short(at.1),
                short(*radius)
            ),
        ),
        Mark::Dot { at, radius, ink, shape } => {
            let around: Vec<Place> =
                corners(*shape).iter().map(|c| (at.0 + radius * c.0, at.1 + radius * c.1)).collect();
            ("polygon", format!("{} points=\"{}\"", fill(*ink, theme), places(&around)))
        }
        Mark::Text { at, text, size, bold, align, ink } => {
            let anchor = match align {
                Align::Left => "start",
                Align::Centre => "middle",
                Align::Right => "end",
            };
            let weight = if *bold { " font-weight=\"700\"" } else { "" };
            let width = match font::text_width(text, *size, *bold) {
                width if fit && width > 0.0 => {
                    format!(" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"", short(width))
                }
                _ => String::new(),
            };
            let _ = writeln!(
                out,
                "<text x=\"{}\" y=\"{}\" {} font-family=\"{FONT}\" font-size=\"{}\"{weight} text-anchor=\"{anchor}\"{width}>{}</text>",
                short(at.0),
                short(at.1),
                fill(*ink, theme),
                short(*size),
                escape(text)
            );
            return;
        }
    };
    let _ = match data {
        Some(data) => writeln!(
            out,
            "<{name} {attributes} data-v=\"{}\"><title>{}</title></{name}>",
            numbers(&data.points),
            escape(&data.name)
        ),
        None => writeln!(out, "<{name} {attributes}/>"),
    };
}

/// `x y low high` of each point, as the CSV writes them; an end that does not exist is `-`.
fn numbers(points: &[Point]) -> String {
    let one = |point: &Point| {
        let end = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| v.to_string());
        match (point.low, point.high) {
            (None, None) => format!("{} {}", point.x, point.y),
            (low, high) => format!("{} {} {} {}", point.x, point.y, end(low), end(high)),
        }
    };
    points.iter().map(one).collect::<Vec<_>>().join(";")
}

fn places(points: &[Place]) -> String {
    points.iter().map(|(x, y)| format!("{},{}", short(*x), short(*y))).collect::<Vec<_>>().join(" ")
}

fn fill(ink: Ink, theme: Theme) -> String {
    format!("fill=\"{}\"{}", theme.css(ink.tone), opacity(ink))
}

fn opacity(ink: Ink) -> String {
    if ink.alpha < 1.0 { format!(" opacity=\"{}\"", short(ink.alpha)) } else { String::new() }
}

/// Hundredths, without zeros that say nothing.
fn short(x: f64) -> String {
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text as XML has it: markup stays text, and what XML cannot hold or turns the direction of writing is spelled out.
fn escape(text: &str) -> String {
    let shown = crate::foundation::format::visible(text);
    shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::series::Series;
    use crate::plots::theme::{BLACK, Dash, PALETTE};

    #[test]
    fn markup_in_text_stays_text() {
        let mut scene = Scene::new(10.0, 10.0);
        scene.text((0.0, 9.0), "<script>&\u{202e}\u{1b}", 5.0, Align::Left, BLACK);
        let svg = write(&scene, Look::default(), "a<b", "c&d");
        assert!(
            svg.contains("&lt;script&gt;&amp;\\u{202e}\\u{1b}") && svg.contains("<title>a&lt;b</title>"),
            "{svg}"
        );
        assert!(!svg.contains("<script") && !svg.contains('\u{202e}') && !svg.contains('\u{1b}'));
    }

    #[test]
    fn a_mark_carries_the_numbers_it_was_drawn_from() {
        let mut scene = Scene::new(100.0, 50.0);
        let point = Point { x: 0.1, y: 1.0 / 3.0, low: None, high: Some(2.0) };
        let series = Series::new("p", "a<b", [point, Point::new(2.0, 1e-9)]);
        scene.line(vec![(0.0, 0.0), (1.0, 0.0)], BLACK, 1.0);
        scene.dashed(vec![(1.0, 2.0), (3.005, 4.0)], PALETTE[0], 1.8, Dash::Dotted);
        scene.drawn_from(&series, &series.points);
        let svg = write(&scene, Look::default(), "", "");
        assert!(
            svg.contains(
                "stroke-dasharray=\"1.6 3\" points=\"1,2 3,4\" data-v=\"0.1 0.3333333333333333 - 2;2 0.000000001\"><title>a&lt;b</title>"
            ),
            "{svg}"
        );
        assert_eq!(svg.matches("data-v").count(), 1);
        assert!(svg.contains("width=\"65pt\""), "{svg}");
    }

    #[test]
    fn only_faces_in_use_are_embedded() {
        let mut scene = Scene::new(10.0, 10.0);
        assert!(!write(&scene, Look::default(), "", "").contains("@font-face"));
        scene.text((0.0, 9.0), "a", 5.0, Align::Left, BLACK);
        assert_eq!(write(&scene, Look::default(), "", "").matches("@font-face").count(), 1);
        scene.bold((0.0, 9.0), "a", 5.0, Align::Left, BLACK);
        assert_eq!(write(&scene, Look::default(), "", "").matches("@font-face").count(), 2);
    }

    #[test]
    fn without_its_font_a_text_keeps_its_width() {
        let mut scene = Scene::new(90.0, 10.0);
        scene.text((0.0, 9.0), "neighbourhood", 5.0, Align::Left, BLACK);
        let width = short(font::text_width("neighbourhood", 5.0, false));
        let inset = write_inset(&scene, Size::default(), "", "");
        assert!(inset.contains(&format!("textLength=\"{width}\"")), "{inset}");
        assert!(!write(&scene, Look::default(), "", "").contains("textLength"));
    }
}
