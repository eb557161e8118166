//! Text that fits where it stands: broken into lines, or cut where a text may be of any length.

use super::scene::text_width;
use crate::foundation::format::visible;

/// The text, or as much of it as fits into `width`, with an ellipsis.
pub fn fit(text: &str, width: f64, size: f64, bold: bool) -> String {
    if text_width(text, size, bold) <= width {
        return text.to_owned();
    }
    let mut kept: String = text.to_owned();
    while !kept.is_empty() && text_width(&kept, size, bold) + size > width {
        kept.pop();
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// All of the text in lines of at most `width`: broken at blanks and before brackets, where that is not enough at joints of a name,
/// and at last anywhere.
pub fn wrap(text: &str, width: f64, size: f64, bold: bool) -> Vec<String> {
    let text = &visible(text);
    let fits = |line: &str| text_width(line.trim_end(), size, bold) <= width;
    let strong = |before: char, after: char| before == ' ' || after == '(';
    let joint = |before: char, _: char| matches!(before, '_' | '=' | '/' | '.' | '-' | ',' | '·' | '|');
    let mut pieces: Vec<&str> = Vec::new();
    for piece in parts(text, strong) {
        if fits(piece) {
            pieces.push(piece);
            continue;
        }
        for small in parts(piece, joint) {
            if fits(small) { pieces.push(small) } else { pieces.extend(parts(small, |_, _| true)) }
        }
    }
    let mut lines = vec![String::new()];
    for piece in pieces {
        let last = lines.len() - 1;
        let joined = format!("{}{piece}", lines[last]);
        if lines[last].is_empty() || fits(&joined) {
            lines[last] = joined;
        } else {
            lines.push(piece.to_owned());
        }
    }
    lines.iter().map(|line| line.trim().to_owned()).collect()
}

/// The text in pieces, cut wherever `cut` allows between two characters.
fn parts(text: &str, cut: impl Fn(char, char) -> bool) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((_, before)) = characters.next() {
        if let Some(&(at, after)) = characters.peek()
            && cut(before, after)
        {
            pieces.push(&text[start..at]);
            start = at;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_wrapped_at_blanks_and_brackets_and_nothing_is_cut() {
        assert_eq!(wrap("grpo", 60.0, 11.0, false), ["grpo"]);
        assert_eq!(wrap("exact(kl=budget=1)", 80.0, 11.0, false), ["exact", "(kl=budget=1)"]);
        assert_eq!(wrap("remove(delay=0)", 60.0, 11.0, false), ["remove", "(delay=0)"]);
        let long = "coefficient=10, controller=adaptive(target=0.1, horizon=1280)";
        for width in [12.0, 30.0, 80.0, 400.0] {
            let lines = wrap(long, width, 11.0, false);
            let kept: String = lines.concat().chars().filter(|c| *c != ' ').collect();
            assert_eq!(kept, long.replace(' ', ""), "{lines:?}");
            assert!(lines.iter().all(|line| text_width(line, 11.0, false) <= width), "{lines:?}");
        }
    }

    #[test]
    fn control_characters_are_spelled_out_before_lines_are_broken() {
        let lines = wrap("a\u{202e}b\u{7}c", 40.0, 11.0, false);
        assert_eq!(lines.concat(), "a\\u{202e}b\\u{7}c");
        assert!(lines.iter().all(|line| text_width(line, 11.0, false) <= 40.0), "{lines:?}");
        assert_eq!(text_width("\u{202e}", 10.0, false), text_width("\\u{202e}", 10.0, false));
    }

    #[test]
    fn long_texts_are_cut() {
        let cut = fit("a very long name of an arm", 60.0, 11.0, false);
        assert!(cut.ends_with('…') && text_width(&cut, 11.0, false) <= 62.0, "{cut}");
        assert_eq!(fit("short", 60.0, 11.0, false), "short");
    }
}
