//! Natural order of names: 2 before 10.

use std::cmp::Ordering;

/// Order in which runs of digits compare as numbers.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (x, y) = (digits(left), digits(right));
        if x > 0 && y > 0 {
            let (m, n) = (left[..x].trim_start_matches('0'), right[..y].trim_start_matches('0'));
            match m.len().cmp(&n.len()).then_with(|| m.cmp(n)) {
                Ordering::Equal => (left, right) = (&left[x..], &right[y..]),
                order => return order,
            }
            continue;
        }
        match (left.chars().next(), right.chars().next()) {
            (Some(c), Some(d)) if c == d => {
                (left, right) = (&left[c.len_utf8()..], &right[d.len_utf8()..]);
            }
            (None, None) => return a.cmp(b),
            (c, d) => return c.cmp(&d),
        }
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_compare_as_numbers() {
        let mut names = ["10.jsonl", "2.jsonl", "1.jsonl", "02.jsonl", "a9b1", "a9b", "a10"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["1.jsonl", "02.jsonl", "2.jsonl", "10.jsonl", "a9b", "a9b1", "a10"]);
        let long = "9".repeat(60);
        assert_eq!(natural(&long, &format!("1{long}")), Ordering::Less);
    }
}
