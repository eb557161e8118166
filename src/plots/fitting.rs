//! Text that fits where it stands: cut, or broken into lines.

use super::scene::text_width;

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

/// The text in lines of at most `width`, broken after commas and before brackets; three lines at most, the last one cut.
pub fn wrap(text: &str, width: f64, size: f64) -> Vec<String> {
    const LINES: usize = 3;
    let mut lines: Vec<String> = vec![String::new()];
    let pieces = text.split_inclusive(", ").flat_map(|piece| match piece.find('(') {
        Some(bracket) => [&piece[..bracket], &piece[bracket..]],
        None => [piece, ""],
    });
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        let last = lines.len() - 1;
        let joined = format!("{}{piece}", lines[last]);
        if lines[last].is_empty()
            || lines.len() == LINES
            || text_width(joined.trim_end(), size, false) <= width
        {
            lines[last] = joined;
        } else {
            lines.push(piece.to_owned());
        }
    }
    lines.iter().map(|line| fit(line.trim_end(), width, size, false)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_wrapped_at_commas_and_brackets() {
        assert_eq!(wrap("grpo", 60.0, 11.0), ["grpo"]);
        assert_eq!(wrap("exact(kl=budget=1)", 80.0, 11.0), ["exact", "(kl=budget=1)"]);
        let lines = wrap("coefficient=10, controller=adaptive(target=0.1, horizon=1280)", 80.0, 11.0);
        assert_eq!(lines.len(), 3);
        assert!(lines[0] == "coefficient=10," && lines[2].ends_with('…'), "{lines:?}");
    }

    #[test]
    fn long_names_are_cut() {
        let cut = fit("a very long name of an arm", 60.0, 11.0, false);
        assert!(cut.ends_with('…') && text_width(&cut, 11.0, false) <= 62.0, "{cut}");
        assert_eq!(fit("short", 60.0, 11.0, false), "short");
    }
}
