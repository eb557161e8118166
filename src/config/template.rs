//! The commented configuration that `tailcatch init` writes.

/// A configuration with every key explained in one line; `name` is the file's name without `.toml`.
///
/// It loads as it stands.
pub fn template(name: &str) -> String {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    let stem = name.strip_suffix(".toml").unwrap_or(&name);
    let stem = if stem.is_empty() { "experiment" } else { stem };
    let words = stem.rsplit(['/', '\\']).next().unwrap_or(stem).replace(['_', '-', '"'], " ");
    include_str!("template.toml")
        .replace("{file}", &format!("{stem}.toml"))
        .replace("{question}", &format!("{}: does the true utility stop rising?", words.trim()))
}
