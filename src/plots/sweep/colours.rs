//! Which group has which colour and panel, and which colours are drawn as one.

use crate::plots::arms::Group;
use crate::plots::series::{Point, Series};

/// Colour and panel of a group.
pub(super) fn split(group: &Group<'_>) -> (String, String) {
    let (first, rest) =
        group.parts.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    (first.to_owned(), rest.join(", "))
}

/// Each text once, in order.
pub(super) fn once(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

/// Colours in groups: those whose points, with their intervals, are the same in every panel are drawn once and named together.
pub(super) fn alike<'a>(colours: &'a [String], groups: &[Group<'_>], series: &[Series]) -> Vec<Vec<&'a str>> {
    let drawn = |colour: &str| -> Vec<(&str, String, &[Point])> {
        let own = |s: &Series| groups.iter().find(|g| g.name == s.name).map(split).filter(|c| c.0 == colour);
        series.iter().filter_map(|s| Some((s.panel.as_str(), own(s)?.1, s.points.as_slice()))).collect()
    };
    let mut found: Vec<Vec<&str>> = Vec::new();
    for colour in colours {
        match found.iter_mut().find(|group| drawn(group[0]) == drawn(colour)) {
            Some(group) => group.push(colour),
            None => found.push(vec![colour]),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_one_only_where_points_and_intervals_are_equal_in_every_panel() {
        let group = |name: &str| Group { name: name.into(), parts: vec![name.into()], arms: Vec::new() };
        let groups = ["a", "b", "c"].map(group);
        let made = |panel: &str, name: &str, high: f64| {
            Series::new(panel, name, [Point { x: 0.0, y: 1.0, low: Some(0.0), high: Some(high) }])
        };
        let colours = ["a", "b", "c"].map(str::to_owned);
        let mut series = vec![made("u", "a", 2.0), made("u", "b", 2.0), made("u", "c", 3.0)];
        assert_eq!(alike(&colours, &groups, &series), [vec!["a", "b"], vec!["c"]]);
        series.extend([made("v", "a", 2.0), made("v", "b", 9.0)]);
        assert_eq!(alike(&colours, &groups, &series).len(), 3);
    }
}
