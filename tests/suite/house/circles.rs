//! No circle of files inside a folder: which file names which is read off the paths in the source.
//!
//! A path is followed through `mod` lines and re-exports to the file that defines the name. A `mod.rs` knows its parts and
//! is known by them, so it is no member of a circle; what it re-exports counts for the file that holds it. Tests at the
//! end of a file do not count.

use std::collections::{BTreeMap, BTreeSet};

use super::{code, files, source};

/// One file: its place in the tree of modules, and what can be found in it.
#[derive(Default)]
struct Module {
    /// Where it lies, relative to `src`.
    file: String,
    /// Names that it defines.
    defined: BTreeSet<String>,
    /// Names that it imports or re-exports, with the paths behind them.
    imported: BTreeMap<String, Vec<String>>,
    /// Modules of which it imports everything.
    globs: Vec<Vec<String>>,
    /// Every path that it names.
    paths: Vec<Vec<String>>,
}

type House = BTreeMap<Vec<String>, Module>;

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The source without its comments, its strings and its tests.
fn product(text: &str) -> String {
    let text = code(text);
    let text = match text.find("#[cfg(test)]\nmod ") {
        Some(at) if text[at..].find('{').is_some_and(|brace| !text[at..at + brace].contains(';')) => {
            &text[..at]
        }
        _ => &text,
    };
    let mut plain = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => drop(chars.next()),
            '\'' if !quoted && chars.peek() == Some(&'"') => drop(chars.next()),
            '"' => quoted = !quoted,
            _ if !quoted => plain.push(c),
            _ => {}
        }
    }
    plain
}

/// The paths of a use tree such as `a::{b, c::{self, d as e}}`, each with the name it gets.
fn use_tree(tree: &str, before: &[String], found: &mut Vec<(String, Vec<String>)>) {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let mut path = before.to_vec();
        path.extend(tree[..open].split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned));
        let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
        let mut depth = 0;
        let mut start = 0;
        for (at, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    use_tree(&inner[start..at], &path, found);
                    start = at + 1;
                }
                _ => {}
            }
        }
        use_tree(&inner[start..], &path, found);
    } else if !tree.is_empty() {
        let (path, alias) = match tree.split_once(" as ") {
            Some((path, alias)) => (path, Some(alias.trim().to_owned())),
            None => (tree, None),
        };
        let mut full = before.to_vec();
        full.extend(path.split("::").map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()));
        if full.last().is_some_and(|last| last == "self") {
            full.pop();
        }
        if let Some(last) = full.last() {
            found.push((alias.unwrap_or_else(|| last.clone()), full));
        }
    }
}

fn read(file: &str, text: &str) -> Module {
    let text = product(text);
    let mut module = Module { file: file.to_owned(), ..Module::default() };
    let mut rest = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let bare = line.trim_start();
        let after = bare.strip_prefix("pub").map_or(bare, |after| {
            let after = after.trim_start();
            if after.starts_with('(') { after.split_once(')').map_or(after, |(_, a)| a) } else { after }
        });
        if let Some(tree) = after.trim_start().strip_prefix("use ") {
            let mut tree = tree.to_owned();
            while !tree.contains(';') {
                let Some(more) = lines.next() else { break };
                tree.push_str(more);
            }
            let mut found = Vec::new();
            use_tree(tree.split(';').next().unwrap_or_default(), &[], &mut found);
            for (name, path) in found {
                if name == "*" {
                    module.globs.push(path[..path.len() - 1].to_vec());
                } else {
                    module.imported.insert(name, path.clone());
                    module.paths.push(path);
                }
            }
            continue;
        }
        for (before, _) in line.match_indices(|c: char| !is_word(c)).chain([(0, "")]) {
            let before = line[before..].trim_start_matches(|c: char| !is_word(c));
            for kind in ["fn ", "struct ", "enum ", "trait ", "type ", "const ", "static ", "union "] {
                let Some(name) = before.strip_prefix(kind) else { continue };
                // Methods stand further in; a macro's product may too, and is found by its own name only.
                if !line.starts_with(' ') {
                    module.defined.insert(name.chars().take_while(|c| is_word(*c)).collect());
                }
            }
        }
        rest.push_str(line);
        rest.push('\n');
    }
    for (at, _) in rest.match_indices("::") {
        let start = rest[..at].rfind(|c: char| !is_word(c)).map_or(0, |i| i + 1);
        if rest[..start].ends_with("::") || start == at {
            continue;
        }
        let path: String = rest[start..].chars().take_while(|c| is_word(*c) || *c == ':').collect();
        module.paths.push(path.split("::").filter(|s| !s.is_empty()).map(str::to_owned).collect());
    }
    module
}

/// The tree of modules behind files, each with its path relative to `src` and its text.
fn house<'a>(tree: impl IntoIterator<Item = (&'a str, &'a str)>) -> House {
    tree.into_iter()
        .map(|(file, text)| {
            let place = file.strip_suffix(".rs").unwrap_or(file);
            let place = place.strip_suffix("/mod").unwrap_or(place);
            (place.split('/').map(str::to_owned).collect(), read(file, text))
        })
        .collect()
}

/// The module that holds what `path` leads to, as seen from the module at `from`.
fn resolve(house: &House, from: &[String], path: &[String], hops: usize) -> Option<Vec<String>> {
    if hops > 12 {
        return None;
    }
    let mut here = from.to_vec();
    let mut path = path;
    let first = path.first()?;
    match first.as_str() {
        "crate" => here.clear(),
        "super" => drop(here.pop()),
        "self" => {}
        name => {
            let child: Vec<String> = here.iter().cloned().chain([name.to_owned()]).collect();
            let module = house.get(&here)?;
            if let Some(behind) = module.imported.get(name) {
                if behind.first() == Some(first) {
                    return None;
                }
                let full: Vec<String> = behind.iter().chain(&path[1..]).cloned().collect();
                return resolve(house, from, &full, hops + 1);
            }
            if !house.contains_key(&child) {
                return None;
            }
            here = child;
        }
    }
    path = &path[1..];
    while path.first().is_some_and(|s| s == "super") {
        here.pop();
        path = &path[1..];
    }
    for (at, name) in path.iter().enumerate() {
        let child: Vec<String> = here.iter().cloned().chain([name.clone()]).collect();
        if house.contains_key(&child) {
            here = child;
            continue;
        }
        let Some(module) = house.get(&here) else { return Some(here) };
        if module.defined.contains(name) {
            return Some(here);
        }
        let rest = &path[at + 1..];
        if let Some(behind) = module.imported.get(name) {
            if behind.first() == Some(name) && !house.contains_key(&child) {
                let deeper: Vec<String> = behind[1..].iter().chain(rest).cloned().collect();
                if deeper.is_empty() {
                    return Some(here);
                }
            }
            let full: Vec<String> = behind.iter().chain(rest).cloned().collect();
            return resolve(house, &here, &full, hops + 1);
        }
        for glob in &module.globs {
            let Some(held) = resolve(house, &here, glob, hops + 1) else { continue };
            if house.get(&held).is_some_and(|m| m.defined.contains(name) || m.imported.contains_key(name)) {
                let full: Vec<String> = [name.clone()].iter().chain(rest).cloned().collect();
                let full: Vec<String> = [String::from("self")].into_iter().chain(full).collect();
                return resolve(house, &held, &full, hops + 1);
            }
        }
        return Some(here);
    }
    Some(here)
}

/// Which files of a top-level folder each of its files names.
fn edges(house: &House) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (place, module) in house {
        if module.file.ends_with("mod.rs") || place.len() < 2 {
            continue;
        }
        let globs = module.globs.iter();
        for path in module.paths.iter().chain(globs) {
            let Some(held) = resolve(house, place, path, 0) else { continue };
            let Some(other) = house.get(&held) else { continue };
            if held != *place && held[0] == place[0] && !other.file.ends_with("mod.rs") {
                edges.entry(&module.file).or_default().insert(&other.file);
            }
        }
    }
    edges
}

/// The shortest circle through each file that is in one, without repeats.
fn circles(house: &House) -> Vec<String> {
    let edges = edges(house);
    let mut found = BTreeSet::new();
    for &start in edges.keys() {
        let mut came: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([start]);
        'search: while let Some(at) = queue.pop_front() {
            for &next in edges.get(at).into_iter().flatten() {
                if next == start {
                    let mut circle = vec![at];
                    while circle[circle.len() - 1] != start {
                        circle.push(came[circle[circle.len() - 1]]);
                    }
                    circle.reverse();
                    let least = (0..circle.len()).min_by_key(|i| circle[*i]).unwrap();
                    circle.rotate_left(least);
                    circle.push(circle[0]);
                    found.insert(circle.join(" -> "));
                    break 'search;
                }
                if !came.contains_key(next) {
                    came.insert(next, at);
                    queue.push_back(next);
                }
            }
        }
    }
    found.into_iter().collect()
}

#[test]
fn no_circle_of_files_inside_a_folder() {
    let root = source();
    let texts: Vec<(String, String)> = files(&root)
        .into_iter()
        .map(|file| {
            let relative = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
            (relative, std::fs::read_to_string(&file).unwrap())
        })
        .collect();
    let house = house(texts.iter().map(|(f, t)| (f.as_str(), t.as_str())));
    let edges: usize = edges(&house).values().map(BTreeSet::len).sum();
    assert!(edges > 200, "only {edges} edges were found");
    let found = circles(&house);
    assert!(found.is_empty(), "files name each other in a circle:\n{}", found.join("\n"));
}

#[test]
fn the_check_of_circles_can_fail() {
    let circle = |tree: &[(&str, &str)]| circles(&house(tree.iter().copied()));
    let parts = ("room/mod.rs", "mod a;\nmod b;\npub use a::One;\npub use b::{Two, two as second};\n");
    let honest =
        [parts, ("room/a.rs", "pub struct One;\n"), ("room/b.rs", "use super::One;\npub fn two() {}\n")];
    assert!(circle(&honest).is_empty());
    for naming in [
        "use super::b::two;\npub struct One;\n",
        "use crate::room::{self, b::{two}};\npub struct One;\n",
        "use super::second;\npub struct One;\n",
        "use super::b;\npub struct One;\nfn f() { b::two() }\n",
        "use crate::room;\npub struct One;\nfn f() { room::second() }\n",
        "pub struct One;\nfn f() { super::b::two() }\n",
        "use super::*;\nuse super::b::*;\npub struct One;\n",
    ] {
        let found = circle(&[parts, ("room/a.rs", naming), honest[2]]);
        assert_eq!(found, ["room/a.rs -> room/b.rs -> room/a.rs"], "{naming}");
    }
    // A comment, a text, a test and the folder's own file are no edges.
    for innocent in [
        "// use super::b::two;\npub struct One;\n",
        "pub struct One;\nconst S: &str = \"super::b::two\";\n",
        "pub struct One;\n#[cfg(test)]\nmod tests {\n    use super::super::b::two;\n}\n",
    ] {
        assert!(circle(&[parts, ("room/a.rs", innocent), honest[2]]).is_empty(), "{innocent}");
    }
    // Across rooms of one folder, and in a longer round.
    let found = circle(&[
        ("big/mod.rs", "mod one;\nmod two;\n"),
        ("big/one/mod.rs", "mod a;\npub use a::A;\n"),
        ("big/one/a.rs", "use super::super::two::C;\npub struct A;\n"),
        ("big/two/mod.rs", "mod b;\nmod c;\npub use c::C;\n"),
        ("big/two/b.rs", "use crate::big::one::A;\npub struct B;\n"),
        ("big/two/c.rs", "use super::b::B;\npub struct C;\n"),
    ]);
    assert_eq!(found, ["big/one/a.rs -> big/two/c.rs -> big/two/b.rs -> big/one/a.rs"]);
}
