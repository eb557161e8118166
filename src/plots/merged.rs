//! Arms that show the same are drawn once, under what their names share; and which of many arms a figure shows.

/// What several arms show, each thing once in the order of the first that shows it, named by what the labels of its arms share.
pub(super) fn merged<T: PartialEq>(found: Vec<(String, T)>) -> Vec<(String, T)> {
    let alone = found.into_iter().map(|(label, shown)| (label, shown, ())).collect();
    grouped(alone).into_iter().map(|group| (group.name, group.shown)).collect()
}

/// Arms that have something in common.
pub(super) struct Group<T, U> {
    /// What their labels share.
    pub name: String,
    /// What they have in common.
    pub shown: T,
    /// What each of them has beside it, named by the rest of its label.
    pub own: Vec<(String, U)>,
}

/// Arms by what they have in common, in the order of the first of each group.
pub(super) fn grouped<T: PartialEq, U>(found: Vec<(String, T, U)>) -> Vec<Group<T, U>> {
    let mut groups: Vec<Group<T, U>> = Vec::new();
    for (label, shown, own) in found {
        match groups.iter_mut().find(|group| group.shown == shown) {
            Some(group) => group.own.push((label, own)),
            None => groups.push(Group { name: String::new(), shown, own: vec![(label, own)] }),
        }
    }
    let mut common: Vec<Vec<String>> = Vec::new();
    for group in &mut groups {
        let labels: Vec<&str> = group.own.iter().map(|(label, _)| label.as_str()).collect();
        let kept = shared(&labels);
        group.name = if kept.is_empty() { labels[0].to_owned() } else { kept.join(", ") };
        common.push(kept.into_iter().map(str::to_owned).collect());
    }
    let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
    let is_unique = |name: &String| names.iter().filter(|other| *other == name).count() == 1;
    for (group, common) in groups.iter_mut().zip(common) {
        let rest = |label: &str| {
            let is_own = |part: &&str| common.iter().all(|other| other != part);
            parts(label).into_iter().filter(is_own).collect::<Vec<_>>().join(", ")
        };
        let own: Vec<String> = group.own.iter().map(|(label, _)| rest(label)).collect();
        if let [(first, _), others @ ..] = group.own.as_slice()
            && !others.is_empty()
            && !is_unique(&group.name)
        {
            group.name = format!("{first} and {} alike", others.len());
        }
        for ((label, _), own) in group.own.iter_mut().zip(own) {
            *label = own;
        }
    }
    groups
}

/// The parts that all labels have at the same place.
fn shared<'a>(labels: &[&'a str]) -> Vec<&'a str> {
    let Some((first, rest)) = labels.split_first() else { return Vec::new() };
    let others: Vec<Vec<&str>> = rest.iter().map(|label| parts(label)).collect();
    let own = parts(first);
    if others.iter().any(|other| other.len() != own.len()) {
        return Vec::new();
    }
    let same = |(i, part): (usize, &'a str)| others.iter().all(|other| other[i] == part).then_some(part);
    own.into_iter().enumerate().filter_map(same).collect()
}

/// A label cut at the commas that stand outside of brackets.
fn parts(label: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0i64);
    for (at, c) in label.char_indices() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            ',' if depth <= 0 => {
                parts.push(label[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(label[start..].trim());
    parts
}

/// Which of `count` arms a figure of at most `most` shows: all, or the one that its title tells of and of the others both ends and as many
/// between.
pub(super) fn chosen(count: usize, lead: Option<usize>, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    let lead = lead.filter(|lead| *lead < count);
    let others: Vec<usize> = (0..count).filter(|i| Some(*i) != lead).collect();
    let room = most.saturating_sub(usize::from(lead.is_some()));
    let last = others.len().saturating_sub(1);
    let spread = (0..room).map(|i| others[i * last / room.saturating_sub(1).max(1)]);
    lead.into_iter().chain(spread).collect()
}

/// That further arms are not in the picture.
pub(super) fn further(arms: usize) -> String {
    match arms {
        0 => String::new(),
        1 => " One further arm is in the CSV only.".to_owned(),
        n => format!(" {n} further arms are in the CSV only."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_that_show_the_same_are_named_by_what_they_share() {
        let found = [
            ("normal, k = 1", 1),
            ("normal, k = 2", 1),
            ("t(df=2, scale=1), k = 1", 2),
            ("t(df=2, scale=1), k = 2", 3),
        ];
        let names: Vec<String> =
            merged(found.map(|(label, x)| (label.to_owned(), x)).to_vec()).into_iter().map(|m| m.0).collect();
        assert_eq!(names, ["normal", "t(df=2, scale=1), k = 1", "t(df=2, scale=1), k = 2"]);
        // Two groups that share the same keep the name of their first.
        let found = [("a, 1", 1), ("a, 2", 1), ("a, 3", 2), ("a, 4", 2), ("b", 3), ("c", 3)];
        let names: Vec<String> =
            merged(found.map(|(label, x)| (label.to_owned(), x)).to_vec()).into_iter().map(|m| m.0).collect();
        assert_eq!(names, ["a, 1 and 1 alike", "a, 3 and 1 alike", "b"]);
    }

    #[test]
    fn arms_of_a_group_are_named_by_what_the_others_lack() {
        let found = [("t(df=2), k = 1", 'r', 5), ("t(df=2), k = 2", 'r', 6), ("normal, k = 1", 's', 7)];
        let groups = grouped(found.map(|(label, r, x)| (label.to_owned(), r, x)).to_vec());
        let told: Vec<(&str, Vec<(&str, i32)>)> = groups
            .iter()
            .map(|g| (g.name.as_str(), g.own.iter().map(|(name, x)| (name.as_str(), *x)).collect()))
            .collect();
        assert_eq!(told, [("t(df=2)", vec![("k = 1", 5), ("k = 2", 6)]), ("normal, k = 1", vec![("", 7)])]);
        // Where labels share nothing, each keeps its own.
        let found = [("none", 'r', 5), ("remove(delay=0)", 'r', 6)];
        let groups = grouped(found.map(|(label, r, x)| (label.to_owned(), r, x)).to_vec());
        let own: Vec<&str> = groups[0].own.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((groups[0].name.as_str(), own), ("none", vec!["none", "remove(delay=0)"]));
    }

    #[test]
    fn of_many_arms_the_told_one_and_both_ends_are_shown() {
        assert_eq!(chosen(4, Some(3), 6), [0, 1, 2, 3]);
        assert_eq!(chosen(24, Some(17), 6), [17, 0, 5, 11, 16, 23]);
        assert_eq!(chosen(24, None, 3), [0, 11, 23]);
        assert_eq!(chosen(9, Some(8), 1), [8]);
        assert_eq!(chosen(9, Some(0), 2), [0, 1]);
    }
}
