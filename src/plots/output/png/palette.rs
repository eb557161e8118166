//! A palette for a picture of few colours: half the bytes, and none of the theme's colours lost.

use crate::plots::theme::Rgb;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Colours that a byte tells apart.
const MOST: usize = 256;

type Colour = [u8; 3];

/// A picture by a palette of at most 256 colours.
pub(super) struct Indexed {
    /// Red, green and blue of each colour.
    pub palette: Vec<u8>,
    /// The colour of each pixel.
    pub pixels: Vec<u8>,
}

impl Indexed {
    /// The picture with the `own` colours that are in it and its most frequent others; each of the rest, which are blends at edges, becomes the
    /// nearest of these.
    pub fn of(rgb: &[u8], own: &[Rgb]) -> Self {
        let colours = || rgb.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]);
        let mut counts: BTreeMap<Colour, usize> = BTreeMap::new();
        for (colour, run) in runs(colours()) {
            *counts.entry(colour).or_default() += run;
        }
        let mut ranked: Vec<(Colour, usize)> = counts.into_iter().collect();
        let is_own = |colour: &Colour| own.iter().any(|&(r, g, b)| *colour == [r, g, b]);
        ranked.sort_by_cached_key(|(colour, count)| (!is_own(colour), Reverse(*count), *colour));
        let kept: Vec<Colour> = ranked.iter().take(MOST).map(|(colour, _)| *colour).collect();
        let place: BTreeMap<Colour, u8> =
            ranked.iter().map(|(colour, _)| (*colour, nearest(&kept, *colour))).collect();
        let mut pixels = Vec::with_capacity(rgb.len() / 3);
        for (colour, run) in runs(colours()) {
            let own = place.get(&colour).copied().unwrap_or(0);
            pixels.extend(std::iter::repeat_n(own, run));
        }
        Self { palette: kept.concat(), pixels }
    }
}

/// Equal pixels that follow each other, and how many they are.
fn runs(colours: impl Iterator<Item = Colour>) -> impl Iterator<Item = (Colour, usize)> {
    let mut colours = colours.peekable();
    std::iter::from_fn(move || {
        let first = colours.next()?;
        let mut run = 1;
        while colours.next_if_eq(&first).is_some() {
            run += 1;
        }
        Some((first, run))
    })
}

/// Place of the nearest of the kept colours, of equally near ones the first.
fn nearest(kept: &[Colour], colour: Colour) -> u8 {
    let apart = |other: &Colour| -> u32 {
        other.iter().zip(colour).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let closest = kept.iter().enumerate().min_by_key(|(_, other)| apart(other));
    closest.map_or(0, |(place, _)| place as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(indexed: &Indexed) -> Vec<u8> {
        let of = |place: &u8| indexed.palette[3 * usize::from(*place)..][..3].to_vec();
        indexed.pixels.iter().flat_map(of).collect()
    }

    #[test]
    fn few_colours_are_kept_as_they_are() {
        let picture: Vec<u8> = (0..=255u8).flat_map(|i| [i, 255 - i, 7]).collect();
        assert_eq!(back(&Indexed::of(&picture, &[])), picture);
    }

    #[test]
    fn of_many_colours_the_rare_become_their_nearest() {
        let frequent = (0..=255u8).flat_map(|i| [i, i, i].repeat(2));
        let picture: Vec<u8> = frequent.chain([200, 201, 200]).collect();
        let found = back(&Indexed::of(&picture, &[]));
        assert_eq!(found[..found.len() - 3], picture[..picture.len() - 3]);
        assert_eq!(found[found.len() - 3..], [200, 200, 200]);
        let found = back(&Indexed::of(&picture, &[(200, 201, 200)]));
        assert_eq!(found[found.len() - 3..], [200, 201, 200]);
    }
}
