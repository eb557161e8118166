//! Numbers as text, one function for each place that shows them.

use unicode_width::UnicodeWidthChar;

/// For reports: three significant digits, a true minus sign, a power of ten where it is shorter.
pub fn report(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "–".to_owned()
        } else if value > 0.0 {
            "∞".to_owned()
        } else {
            "−∞".to_owned()
        };
    }
    let size = value.abs();
    let text = if size == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e5).contains(&size) {
        let decimals = (2 - size.log10().floor() as i32).clamp(0, 5) as usize;
        let fixed = format!("{size:.decimals$}");
        if fixed.contains('.') { fixed.trim_end_matches('0').trim_end_matches('.').to_owned() } else { fixed }
    } else {
        let scientific = format!("{size:.2e}");
        match scientific.split_once('e') {
            Some((digits, exponent)) => {
                let digits = digits.trim_end_matches('0').trim_end_matches('.');
                format!("{digits}e{}", exponent.replace('-', "−"))
            }
            None => scientific,
        }
    };
    if value < 0.0 && text != "0" { format!("−{text}") } else { text }
}

/// For tables of the command line: about four significant digits.
pub fn table(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e5).contains(&size) {
        let digits = 3 - size.log10().floor() as i32;
        format!("{value:.*}", digits.clamp(0, 6) as usize)
    } else {
        format!("{value:.3e}")
    }
}

/// A share as a percentage, to a tenth below ten.
pub fn percent(share: f64) -> String {
    let hundredths = 100.0 * share;
    let rounded = if hundredths < 10.0 { (10.0 * hundredths).round() / 10.0 } else { hundredths.round() };
    format!("{rounded}%")
}

/// A text of somebody's log on one line: control characters and marks that turn the direction of writing are spelled out, so that
/// none reaches a terminal.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// Whether a character is one that [`visible`] spells out.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Columns of a terminal that a text takes: two for each character of Chinese, Japanese and Korean writing, none for a mark above another.
pub fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// The text, or its beginning and its end, of `end` columns at most, in so many columns.
pub fn cut(text: &str, width: usize, end: usize) -> String {
    if columns(text) <= width || width == 0 {
        return text.to_owned();
    }
    let start = start(text, width - end - 1);
    let reversed: String = text.chars().rev().collect();
    let rest: String = self::start(&reversed, end).chars().rev().collect();
    format!("{start}…{rest}")
}

/// As much of the beginning of a text as so many columns hold.
fn start(text: &str, width: usize) -> &str {
    let mut used = 0;
    let fits = |(_, c): &(usize, char)| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    let end = text.char_indices().take_while(fits).last().map_or(0, |(at, c)| at + c.len_utf8());
    text.get(..end).unwrap_or(text)
}

/// Lines of at most `width` columns, broken at blanks where there are any.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        if used > 0 && used + 1 + columns(word) > width {
            lines.push(String::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { continue };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += columns(word);
    }
    lines
}

/// A count with thin groups of three digits.
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// For a sentence: six significant digits at most.
pub fn sentence(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 || !(1e-3..1e6).contains(&size) {
        let text = format!("{x:.3e}");
        return if x == 0.0 { "0".into() } else { text };
    }
    let decimals = (5 - size.log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// The shortest text that reads back as `x`, with an exponent where the number is far from one.
#[cfg(any(feature = "lab", test))]
pub fn exact(x: f64) -> String {
    let size = x.abs();
    if size != 0.0 && !(1e-4..1e7).contains(&size) { format!("{x:e}") } else { x.to_string() }
}

/// For figures: four significant digits, a true minus sign.
pub fn figure(value: f64) -> String {
    let size = value.abs();
    let text = if size != 0.0 && !(1e-3..1e5).contains(&size) {
        format!("{value:.2e}")
    } else {
        let decimals = if size < 1.0 { 4 } else { (3 - size.log10().floor() as i32).clamp(0, 3) as usize };
        format!("{value:.decimals$}")
    };
    text.replace('-', "−")
}

/// Large round numbers by their power, for labels: `100000` becomes `1e5`; any other text stays.
pub fn round(value: &str) -> String {
    let digits = value.trim_end_matches('0');
    let zeros = value.len() - digits.len();
    let round = zeros >= 4 && !digits.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    if round { format!("{digits}e{zeros}") } else { value.to_owned() }
}

/// A rate as it was given: no digits are added, and no rows of zeros.
pub fn plain(rate: f64) -> String {
    if rate < 1e-5 { format!("{rate:e}") } else { rate.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!((columns("abcü"), columns("数学 é"), columns("한글"), columns("🙂…")), (4, 6, 4, 3));
        assert_eq!(wrapped("数学 数学 数学", 9), ["数学 数学", "数学"]);
    }

    #[test]
    fn each_place_writes_numbers_in_its_own_way() {
        for (x, texts) in [
            (0.0, ["0", "0", "0", "0", "0.0000"]),
            (1234.5, ["1234", "1234", "1234.5", "1234.5", "1234"]),
            (-2e-5, ["−2e−5", "-2.000e-5", "-2.000e-5", "-2e-5", "−2.00e−5"]),
            (0.125, ["0.125", "0.1250", "0.125", "0.125", "0.1250"]),
        ] {
            assert_eq!([report(x), table(x), sentence(x), exact(x), figure(x)], texts);
        }
        assert_eq!(["100000", "12000", "t5"].map(round), ["1e5", "12000", "t5"]);
        assert_eq!(count(1234567), "1,234,567");
    }
}
