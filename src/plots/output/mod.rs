//! A scene as a file: SVG, PNG or PDF, all from the same marks.

mod pdf;
mod png;
mod svg;

use super::scene::Scene;
use super::sheet::Size;
use super::theme::Theme;
use clap::ValueEnum;

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Vectors, letters as outlines, with the numbers of every mark inside
    Svg,
    /// Pixels, 300 to the inch, 192 on a slide
    Png,
    /// Vectors for print, with the font inside and text that can be searched
    Pdf,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Svg, Self::Png, Self::Pdf];

    /// The file's extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Pdf => "pdf",
        }
    }
}

/// For whom a scene is written.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Look {
    /// How large it is printed.
    pub size: Size,
    /// On what it is read.
    pub theme: Theme,
}

/// The bytes of a scene's file, with a title and a description for those who cannot see it.
///
/// # Errors
/// What the format cannot hold.
pub fn bytes(
    scene: &Scene,
    format: Format,
    look: Look,
    title: &str,
    description: &str,
) -> Result<Vec<u8>, String> {
    match format {
        Format::Svg => Ok(svg::write(scene, look, title, description).into_bytes()),
        Format::Png => png::write(scene, look),
        Format::Pdf => pdf::write(scene, look, title),
    }
}

/// A scene as SVG for a page that is read in the light or in the dark, in whatever fonts its reader has.
pub fn inset(scene: &Scene, size: Size, title: &str, description: &str) -> String {
    svg::write_inset(scene, size, title, description)
}
