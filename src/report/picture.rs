//! Which SVG may stand inside the report: only what the figures of this program consist of.

use crate::foundation::presence::is_absence;
use crate::record::folder::FolderError;
use std::fs;
use std::io;
use std::path::Path;

const TAGS: &[&str] = &[
    "svg", "title", "desc", "rect", "line", "polyline", "polygon", "circle", "text", "defs", "path", "g",
    "use",
];
const ATTRIBUTES: &[&str] = &[
    "width",
    "height",
    "viewBox",
    "role",
    "x",
    "y",
    "x1",
    "y1",
    "x2",
    "y2",
    "cx",
    "cy",
    "r",
    "dy",
    "points",
    "fill",
    "stroke",
    "stroke-width",
    "stroke-linejoin",
    "stroke-dasharray",
    "opacity",
    "data-v",
    "text-anchor",
    "font-family",
    "font-size",
    "font-weight",
    "textLength",
    "lengthAdjust",
    "id",
    "d",
    LINK,
];
/// May lead to what stands in the picture only.
const LINK: &str = "xlink:href";

/// The picture that lies in a file, as it may stand in a page; `None` where there is none, or none that may.
///
/// # Errors
/// The file is there and cannot be read.
pub fn drawn(path: &Path) -> Result<Option<String>, FolderError> {
    match fs::read_to_string(path) {
        Ok(svg) => Ok(safe(&svg)),
        Err(problem) if is_absence(&problem) || problem.kind() == io::ErrorKind::InvalidData => Ok(None),
        Err(source) => Err(FolderError::Io { path: path.to_owned(), source }),
    }
}

/// The picture without its namespaces (HTML needs none), or `None` if it holds any other tag or attribute: a picture that was
/// tampered with could run code in the reader's browser.
pub fn safe(svg: &str) -> Option<String> {
    let mut out = String::with_capacity(svg.len());
    let mut rest = svg;
    while let Some(start) = rest.find('<') {
        out.push_str(rest.get(..start)?);
        let end = start + rest.get(start..)?.find('>')?;
        let tag = rest.get(start + 1..end)?;
        rest = rest.get(end + 1..)?;
        // Pictures that an earlier version drew bring their fonts.
        if tag == "style" {
            rest = rest.split_once("</style>")?.1;
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            TAGS.contains(&name).then_some(())?;
            out.push_str(&format!("</{name}>"));
            continue;
        }
        let (tag, closed) = tag.strip_suffix('/').map_or((tag, ""), |tag| (tag, "/"));
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        TAGS.contains(&name).then_some(())?;
        out.push('<');
        out.push_str(name);
        let mut left = attributes.trim();
        while !left.is_empty() {
            let (key, tail) = left.split_once("=\"")?;
            let (value, tail) = tail.split_once('"')?;
            left = tail.trim_start();
            if key.starts_with("xmlns") {
                continue;
            }
            let plain = !value.contains(['<', '(', ':', '&']) && (key != LINK || value.starts_with('#'));
            (ATTRIBUTES.contains(&key) && plain).then_some(())?;
            out.push_str(&format!(" {key}=\"{value}\""));
        }
        out.push_str(closed);
        out.push('>');
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_this_program_pass_without_a_namespace() {
        let link = "<svg xmlns:xlink=\"x\"><defs><path id=\"r1\" d=\"m1 2z\"/></defs><use xlink:href=\"#r1\"/></svg>";
        assert_eq!(safe(link).unwrap(), link.replace(" xmlns:xlink=\"x\"", ""));
        let svg = "<svg width=\"1\" xmlns=\"http://www.w3.org/2000/svg\">\n<text x=\"1\">\na &lt; b\n</text>\n<line x1=\"0\"/>\n</svg>";
        let styled = svg.replace("<text", "<style>@font-face{src:url(x)}<b></style><text");
        assert_eq!(safe(&styled), safe(svg));
        assert_eq!(
            safe(svg).unwrap(),
            "<svg width=\"1\">\n<text x=\"1\">\na &lt; b\n</text>\n<line x1=\"0\"/>\n</svg>"
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for hostile in [
            "<svg><style>never closed",
            "<svg><script>x</script></svg>",
            "<svg onload=\"x\"></svg>",
            "<svg><rect fill=\"url(x)\"/></svg>",
            "<svg><a href=\"x\"/></svg>",
            "<svg><use xlink:href=\"x\"/></svg>",
            "<svg><rect x='1' onclick='2'/></svg>",
            "<svg><!-- x --></svg>",
            "<svg><rect x=\"1\"/onload=\"x\"></svg>",
            "<svg><rect ",
            "<SVG><RECT/></SVG>",
        ] {
            assert_eq!(safe(hostile), None, "{hostile}");
        }
    }
}
