//! Numbers against the bounds of the schema, and the bounds in words.

use super::schema::Bounds;
use super::source::Draft;
use super::wording::{describe, quoted};
use std::ops::Range;
use toml::de::DeValue;

pub(super) fn walk_integer(
    value: &DeValue<'_>,
    bounds: &Bounds,
    path: &str,
    here: &Range<usize>,
    out: &mut Vec<Draft>,
) {
    match value {
        DeValue::Integer(number) => {
            let whole = i128::from_str_radix(number.as_str(), number.radix()).ok();
            if !whole.is_some_and(|x| bounds.hold_whole(x)) {
                // The limit of the type is worth a word only to who has met it.
                let beyond = whole.is_none_or(|x| bounds.largest.is_some_and(|largest| x > largest));
                let wanted = expected(bounds, if beyond { Kind::WholeBelowLimit } else { Kind::Whole });
                out.push(out_of_range(&number.to_string(), &wanted, path, here));
            }
        }
        DeValue::Float(number) => {
            let whole = number.as_str().parse::<f64>().ok().filter(|x| x.fract() == 0.0 && x.abs() < 1e15);
            let wanted = expected(bounds, Kind::Whole);
            let draft = Draft::new(
                here.clone(),
                format!("{} is {}, a real number; {wanted} is needed", quoted(path), number.as_str()),
                "a whole number is needed",
            );
            out.push(match whole {
                Some(x) => draft.help(format!("write {}, without point and exponent", grouped(x))),
                None => draft.help("round it"),
            });
        }
        other => out.push(not_a_number(other, &expected(bounds, Kind::Whole), path, here)),
    }
}

pub(super) fn walk_number(
    value: &DeValue<'_>,
    bounds: &Bounds,
    path: &str,
    here: &Range<usize>,
    out: &mut Vec<Draft>,
) {
    let (text, number) = match value {
        // serde takes a whole number for a real one only up to 64 bits.
        DeValue::Integer(x) => {
            let whole = i128::from_str_radix(x.as_str(), x.radix()).ok();
            let fits = |x: &i128| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(x);
            (x.to_string(), whole.filter(fits).map(|x| x as f64))
        }
        DeValue::Float(x) => (x.as_str().to_owned(), x.as_str().parse::<f64>().ok()),
        other => return out.push(not_a_number(other, &expected(bounds, Kind::Real), path, here)),
    };
    if !number.is_some_and(|x| bounds.hold(x)) {
        out.push(out_of_range(&text, &expected(bounds, Kind::Real), path, here));
    }
}

fn out_of_range(text: &str, wanted: &str, path: &str, here: &Range<usize>) -> Draft {
    let text =
        if text.len() > 40 { format!("{}…", text.get(..40).unwrap_or_default()) } else { text.to_owned() };
    Draft::new(here.clone(), format!("{} is {text}; {wanted} is needed", quoted(path)), "out of range")
        .help(format!("give {wanted}"))
}

fn not_a_number(value: &DeValue<'_>, wanted: &str, path: &str, here: &Range<usize>) -> Draft {
    let message = format!("{} is {}; {wanted} is needed", quoted(path), describe(value));
    let draft = Draft::new(here.clone(), message, "not a number");
    match value {
        DeValue::String(text) if text.trim().parse::<f64>().is_ok() => draft.help("remove the quotes"),
        DeValue::Array(_) => draft.help("one value stands here; several values of a key belong into [sweep]"),
        _ => draft.help(format!("give {wanted}")),
    }
}

/// Which numbers are wanted.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Real,
    Whole,
    WholeBelowLimit,
}

/// The bounds in words.
fn expected(bounds: &Bounds, numbers: Kind) -> String {
    let kind = if numbers == Kind::Real { "a finite number" } else { "a whole number" };
    let largest = bounds.largest.filter(|_| numbers == Kind::WholeBelowLimit).map(|l| l as f64);
    let number = |x: f64| match x {
        // The nearest number with a fraction is larger.
        _ if x == u64::MAX as f64 => "18_446_744_073_709_551_615".to_owned(),
        _ if x.abs() >= 1e15 => format!("{x:e}"),
        _ if x.fract() == 0.0 => grouped(x),
        _ => x.to_string(),
    };
    match (bounds.above, bounds.minimum, bounds.below, bounds.maximum.or(largest)) {
        (Some(a), _, Some(b), _) => format!("a number strictly between {} and {}", number(a), number(b)),
        (Some(a), _, None, Some(b)) => format!("{kind} above {} and up to {}", number(a), number(b)),
        (Some(a), _, None, None) => format!("{kind} above {}", number(a)),
        (None, Some(a), Some(b), _) => format!("{kind} from {} to below {}", number(a), number(b)),
        (None, Some(a), None, Some(b)) => format!("{kind} from {} to {}", number(a), number(b)),
        (None, Some(a), None, None) => format!("{kind}, {} or above", number(a)),
        (None, None, Some(b), _) => format!("{kind} below {}", number(b)),
        (None, None, None, Some(b)) => format!("{kind} up to {}", number(b)),
        (None, None, None, None) => kind.to_owned(),
    }
}

/// A whole number with underscores between thousands, as TOML allows.
fn grouped(x: f64) -> String {
    let digits = format!("{:.0}", x.abs());
    let mut text = String::from(if x < 0.0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 && digits.len() > 4 {
            text.push('_');
        }
        text.push(digit);
    }
    text
}
