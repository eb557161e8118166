//! The embedded font within a document.

use super::{FACES, packed};
use crate::plots::font;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, Str};
use std::collections::BTreeMap;
use ttf_parser::GlyphId;

const FONT_NAMES: [&[u8]; 2] = [b"TCATCH+Roboto", b"TCATCH+Roboto-Bold"];
const IDENTITY: SystemInfo<'_> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// A face with its file, widths, and the characters of its glyphs, so that text can be searched and copied.
pub(super) fn embed(pdf: &mut Pdf, bold: bool, used: &BTreeMap<u16, char>) -> Option<()> {
    let face = font::face(bold)?;
    let [whole, descendant, descriptor, file, characters] =
        [0, 1, 2, 3, 4].map(|i| Ref::new(FACES[usize::from(bold)] + i));
    let name = Name(FONT_NAMES[usize::from(bold)]);
    let per_em = 1000.0 / f32::from(face.units_per_em());
    pdf.type0_font(whole)
        .base_font(name)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(descendant)
        .to_unicode(characters);
    let mut cid = pdf.cid_font(descendant);
    cid.subtype(CidFontType::Type2).base_font(name).system_info(IDENTITY).font_descriptor(descriptor);
    cid.default_width(0.0).cid_to_gid_map_predefined(Name(b"Identity"));
    let advances = (0..face.number_of_glyphs())
        .map(|id| f32::from(face.glyph_hor_advance(GlyphId(id)).unwrap_or(0)) * per_em);
    cid.widths().consecutive(0, advances);
    cid.finish();
    let bounds = face.global_bounding_box();
    pdf.font_descriptor(descriptor)
        .name(name)
        .flags(FontFlags::NON_SYMBOLIC)
        .bbox(Rect::new(
            f32::from(bounds.x_min) * per_em,
            f32::from(bounds.y_min) * per_em,
            f32::from(bounds.x_max) * per_em,
            f32::from(bounds.y_max) * per_em,
        ))
        .italic_angle(0.0)
        .ascent(f32::from(face.ascender()) * per_em)
        .descent(f32::from(face.descender()) * per_em)
        .cap_height(f32::from(face.capital_height().unwrap_or(face.ascender())) * per_em)
        .stem_v(if bold { 140.0 } else { 80.0 })
        .font_file2(file);
    let bytes = font::bytes(bold);
    let packed = packed(bytes).ok()?;
    pdf.stream(file, &packed).filter(Filter::FlateDecode).pair(Name(b"Length1"), bytes.len() as i32);
    let mut map = UnicodeCmap::new(Name(b"Characters"), IDENTITY);
    used.iter().for_each(|(id, c)| map.pair(*id, *c));
    pdf.cmap(characters, &map.finish());
    Some(())
}
