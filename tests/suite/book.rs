//! The book in `docs/`: its links lead somewhere, its table of contents names every page, every experiment is in it, and the
//! README stays short.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files of this extension below `folder`, as paths from the root of the repository.
fn below(folder: &str, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|e| panic!("{page}: {e}"))
}

/// The text without blocks and spans of code.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut plain = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            plain.extend(line.split('`').step_by(2));
            plain.push('\n');
        }
    }
    plain
}

/// Where the links and pictures of a page lead.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let ends = prose.match_indices("](").filter(|(at, _)| !prose[..*at].ends_with('\\'));
    ends.filter_map(|(at, _)| Some(prose[at + 2..].split_once(')')?.0.to_owned())).collect()
}

/// What a page's headings are linked by, on GitHub and in the book.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut inside = false;
    let headings = text.lines().filter(|line| {
        inside ^= line.starts_with("```");
        !inside && line.starts_with('#')
    });
    let slug = |heading: &str| {
        let kept = heading.trim_start_matches('#').trim().chars().filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            _ => c.is_alphanumeric().then(|| c.to_lowercase().next().unwrap_or(c)),
        });
        kept.collect::<String>()
    };
    headings.map(slug).collect()
}

/// What is wrong with a link of a page; `has` says whether the repository has a path, `text` what a page holds.
fn fault(
    page: &str,
    link: &str,
    has: impl Fn(&Path) -> bool,
    text: impl Fn(&Path) -> String,
) -> Option<String> {
    if link.starts_with("https://") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let mut target = if file.is_empty() { PathBuf::from(page) } else { folder.to_owned() };
    for part in file.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            target.pop();
        } else {
            target.push(part);
        }
    }
    if !has(&target) {
        return Some(format!("{page}: {link} leads nowhere"));
    }
    // A page of the book is HTML once it is built, and so are its links to Markdown.
    let (in_book, to_book) = (page.starts_with("docs/"), target.starts_with("docs"));
    let markdown = target.extension().is_some_and(|e| e == "md");
    if in_book && !to_book && markdown && !has(&target.with_extension("html")) {
        return Some(format!("{page}: {link} is no page of the book, which would look for HTML there"));
    }
    let known = |anchor: &str| !markdown || anchors(&text(&target)).contains(anchor);
    anchor.filter(|anchor| !known(anchor)).map(|_| format!("{page}: {link} names no heading"))
}

#[test]
fn links_lead_somewhere() {
    let mut pages = below("docs", "md");
    pages.extend(below("plots", "md"));
    pages.extend(["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(str::to_owned));
    let has = |path: &Path| root().join(path).exists();
    let text = |path: &Path| read(path.to_str().unwrap());
    let mut seen = 0;
    let mut faults = Vec::new();
    for page in &pages {
        for link in links(&read(page)) {
            seen += 1;
            faults.extend(fault(page, &link, has, text));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 100, "only {seen} links were found");
}

#[test]
fn a_link_that_leads_nowhere_is_seen() {
    let text =
        "# One *two*\n[a](b.md#one-two) `[c](d)` E\\[V\\](x)\n```\n[e](f)\n# No heading\n```\n![g](h.png)";
    assert_eq!(links(text), ["b.md#one-two", "h.png"]);
    assert_eq!(anchors(text), BTreeSet::from(["one-two".to_owned()]));
    let has = |path: &Path| {
        ["docs/b.md", "a.md", "plots/x.md", "plots/x.html", "plots"].iter().any(|p| path == Path::new(p))
    };
    let is = |page: &str, link: &str| fault(page, link, has, |_| text.to_owned()).is_none();
    assert!(is("docs/a.md", "b.md#one-two") && is("a.md", "docs/b.md") && is("docs/b.md", "#one-two"));
    assert!(is("docs/b.md", "../plots/x.md") && is("docs/b.md", "../plots") && is("a.md", "https://x.org"));
    assert!(!is("docs/a.md", "b.md#two") && !is("docs/a.md", "c.md") && !is("a.md", "b.md"));
    assert!(!is("docs/b.md", "../a.md"), "not in the book, and no HTML beside it");
}

#[test]
fn the_table_of_contents_names_every_page() {
    let contents: BTreeSet<String> =
        links(&read("docs/SUMMARY.md")).into_iter().map(|link| format!("docs/{link}")).collect();
    let pages: BTreeSet<String> =
        below("docs", "md").into_iter().filter(|page| page != "docs/SUMMARY.md").collect();
    assert_eq!(contents, pages);
}

#[test]
fn the_readme_is_short_and_has_the_two_commands() {
    let readme = read("README.md");
    let words = readme.split_whitespace().count();
    assert!(words <= 900, "{words} words; what is longer belongs into the book");
    for command in ["cargo run --release -- run experiments/quickstart.toml", "cargo test --release"] {
        assert!(readme.contains(command), "{command}");
    }
}

#[test]
fn every_experiment_stands_with_its_question() {
    let page = read("docs/experiments.md");
    let configs: Vec<String> =
        below("experiments", "toml").into_iter().filter(|path| path.matches('/').count() == 1).collect();
    assert!(configs.len() > 20);
    for path in configs {
        let config = read(&path);
        let question = config.lines().find_map(|line| {
            let value = line.strip_prefix("question")?.trim_start().strip_prefix('=')?.trim();
            value.strip_prefix('"')?.strip_suffix('"')
        });
        let name = path.trim_start_matches("experiments/").trim_end_matches(".toml");
        let row = format!("| [`{name}`](../{path}) | {} |", question.expect("a question"));
        assert!(page.contains(&row), "{row}");
    }
}
