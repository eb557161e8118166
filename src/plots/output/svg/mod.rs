//! SVG: every mark an element, the numbers that it was drawn from beside it.

mod letters;

use super::Look;
use crate::plots::font;
use crate::plots::scene::{Align, Data, Mark, Place, Scene, corners};
use crate::plots::series::Point;
use crate::plots::sheet::Size;
use crate::plots::theme::{FONT, Ink, Shape, Theme, Tone, dark_css};
use std::fmt::Write as _;

/// The scene as a document of the printed size. Its letters are outlines, and so the same for every reader; the words can be searched.
pub(super) fn write(scene: &Scene, look: Look, title: &str, description: &str) -> String {
    document(scene, look, title, description, &letters::definitions(scene), Letters::Outlined)
}

/// The scene as a document without fonts, which turns dark where its reader's page is. Its texts are as wide as in the font that they were laid out
/// for, whichever there is.
pub(super) fn write_inset(scene: &Scene, size: Size, title: &str, description: &str) -> String {
    let look = Look { size, theme: Theme::Light };
    let body = document(scene, look, title, description, "", Letters::OfReader);
    let css = dark_css("text");
    let used = |rule: &&str| rule.split('\"').nth(1).is_some_and(|colour| body.contains(colour));
    let rules: Vec<&str> = css.lines().filter(used).collect();
    let style = format!("<style>@media (prefers-color-scheme: dark) {{ {} }}</style>\n", rules.join(" "));
    document(scene, look, title, description, &style, Letters::OfReader)
}

/// How letters are drawn.
#[derive(Clone, Copy, PartialEq)]
enum Letters {
    /// As outlines.
    Outlined,
    /// In a font of whoever reads it, each text as wide as it was measured.
    OfReader,
}

fn document(
    scene: &Scene,
    look: Look,
    title: &str,
    description: &str,
    head: &str,
    letters: Letters,
) -> String {
    let unit = look.size.unit();
    let linked =
        if head.starts_with("<defs>") { " xmlns:xlink=\"http://www.w3.org/1999/xlink\"" } else { "" };
    let mut out = format!(
        "<svg width=\"{}pt\" height=\"{}pt\" viewBox=\"0 0 {} {}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\"{linked}>\n\
         <title>{}</title>\n<desc>{}</desc>\n{}",
        short(scene.width * unit),
        short(scene.height * unit),
        short(scene.width),
        short(scene.height),
        escape(title),
        escape(description),
        head,
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
        element(&mut out, mark, own, look.theme, letters);
    }
    out.push_str("</svg>\n");
    out
}

fn element(out: &mut String, mark: &Mark, data: Option<&Data>, theme: Theme, letters: Letters) {
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
            let (width, ink) = (font::text_width(text, *size, *bold), fill(*ink, theme));
            let left = align.start(at.0, width);
            let outlined = match letters {
                Letters::Outlined => letters::placed(text, (left, at.1), *size, *bold),
                Letters::OfReader => None,
            };
            let weight = if *bold { " font-weight=\"700\"" } else { "" };
            let (place, fitted) = (format!("y=\"{}\"", short(at.1)), "lengthAdjust=\"spacingAndGlyphs\"");
            let size = short(*size);
            // What is searched and read aloud; where it is drawn otherwise it cannot be seen.
            let words = match outlined {
                Some(_) => format!("x=\"{}\" {place} opacity=\"0\" font-size=\"{size}\"", short(left)),
                None => {
                    let (x, anchor) = (short(at.0), anchor(*align));
                    format!(
                        "x=\"{x}\" {place} {ink} font-family=\"{FONT}\" font-size=\"{size}\"{weight} text-anchor=\"{anchor}\""
                    )
                }
            };
            let width = if width > 0.0 {
                format!(" textLength=\"{}\" {fitted}", short(width))
            } else {
                String::new()
            };
            let _ = writeln!(out, "<text {words}{width}>{}</text>", escape(text));
            if let Some(outlined) = outlined.filter(|outlined| !outlined.is_empty()) {
                let _ = writeln!(out, "<g {ink}>{outlined}</g>");
            }
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

fn anchor(align: Align) -> &'static str {
    match align {
        Align::Left => "start",
        Align::Centre => "middle",
        Align::Right => "end",
    }
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
    fn letters_need_no_font_and_words_are_found() {
        let mut scene = Scene::new(40.0, 10.0);
        assert!(!write(&scene, Look::default(), "", "").contains("<defs>"));
        scene.text((20.0, 9.0), "a ab", 5.0, Align::Centre, BLACK);
        scene.bold((0.0, 9.0), "漢 a", 5.0, Align::Left, BLACK);
        let svg = write(&scene, Look::default(), "", "");
        // The outlines of a and b; and the letters a, a, b.
        assert_eq!((svg.matches("<path").count(), svg.matches("<use").count()), (2, 3), "{svg}");
        assert!(!svg.contains("@font-face") && svg.matches("xmlns:xlink").count() == 1);
        for link in svg.split("xlink:href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(svg.contains(&format!("<path id=\"{link}\"")), "{link}");
        }
        // What the font lacks is left to the reader's.
        let hidden = svg.lines().filter(|l| l.starts_with("<text")).map(|l| l.contains("opacity=\"0\""));
        assert_eq!(hidden.collect::<Vec<_>>(), [true, false]);
        assert!(svg.contains(">a ab</text>") && svg.contains(">漢 a</text>"));
    }

    #[test]
    fn without_its_font_a_text_keeps_its_width() {
        let mut scene = Scene::new(90.0, 10.0);
        scene.text((0.0, 9.0), "neighbourhood", 5.0, Align::Left, BLACK);
        let width = short(font::text_width("neighbourhood", 5.0, false));
        let inset = write_inset(&scene, Size::default(), "", "");
        assert!(inset.contains(&format!("textLength=\"{width}\"")), "{inset}");
    }
}
