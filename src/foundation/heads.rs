//! The first two words of many streams at once.
//!
//! A rollout takes one or two numbers from a stream of its own. ChaCha8 (Bernstein 2008) computes a block of sixteen words
//! for them; here as many streams as a register has lanes go through its rounds side by side, and give the words that
//! [`super::rng::Family::at`] would.

use pulp::{Simd, WithSimd};

/// Streams whose indices and words are laid out side by side: any register's lanes divide them.
const LANES: usize = 16;
/// "expand 32-byte k", the first four words of every block.
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// The first two words of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head(pub(super) [u64; 2]);

impl Head {
    /// What [`super::rng::Stream::open_unit`] gives first.
    #[inline]
    pub fn first_unit(self) -> f64 {
        unit(self.0[0])
    }

    /// What it gives second.
    #[inline]
    pub fn second_unit(self) -> f64 {
        unit(self.0[1])
    }

    /// What [`super::rng::Stream::below`] gives first; `None` in the rare case that it takes more than one word.
    #[inline]
    pub fn below(self, bound: u64) -> Option<u64> {
        let product = u128::from(self.0[0]) * u128::from(bound);
        (product as u64 >= bound.wrapping_neg() % bound.max(1)).then_some((product >> 64) as u64)
    }
}

/// A uniform number in the open interval (0, 1) from the upper 53 bits of a word.
#[inline]
pub(super) fn unit(word: u64) -> f64 {
    ((word >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
}

/// What `take` makes of the heads of these streams of a key.
pub(super) fn heads<T>(key: [u8; 32], streams: &[u64], take: impl Fn(Head) -> T) -> Vec<T> {
    pulp::Arch::new().dispatch(Heads { key, streams, take })
}

struct Heads<'a, F> {
    key: [u8; 32],
    streams: &'a [u64],
    take: F,
}

impl<T, F: Fn(Head) -> T> WithSimd for Heads<'_, F> {
    type Output = Vec<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<T> {
        let mut start = [simd.splat_u32s(0); 16];
        for (word, constant) in start.iter_mut().zip(CONSTANTS) {
            *word = simd.splat_u32s(constant);
        }
        for (word, key) in start[4..12].iter_mut().zip(self.key.as_chunks::<4>().0) {
            *word = simd.splat_u32s(u32::from_le_bytes(*key));
        }
        let mut out = Vec::with_capacity(self.streams.len());
        for streams in self.streams.chunks(LANES) {
            let (mut low, mut high, mut words) = ([0; LANES], [0; LANES], [[0; LANES]; 4]);
            for (lane, stream) in streams.iter().enumerate() {
                (low[lane], high[lane]) = (*stream as u32, (*stream >> 32) as u32);
            }
            let columns = S::as_simd_u32s(&low).0.iter().zip(S::as_simd_u32s(&high).0);
            let [w0, w1, w2, w3] = &mut words;
            let first = S::as_mut_simd_u32s(w0).0.iter_mut().zip(S::as_mut_simd_u32s(w1).0);
            let second = S::as_mut_simd_u32s(w2).0.iter_mut().zip(S::as_mut_simd_u32s(w3).0);
            for ((low, high), ((w0, w1), (w2, w3))) in columns.zip(first.zip(second)) {
                (start[14], start[15]) = (*low, *high);
                [*w0, *w1, *w2, *w3] = block(simd, start);
            }
            let word = |lane: usize, i: usize| {
                u64::from(words[2 * i][lane]) | u64::from(words[2 * i + 1][lane]) << 32
            };
            out.extend((0..streams.len()).map(|lane| (self.take)(Head([word(lane, 0), word(lane, 1)]))));
        }
        out
    }
}

/// The first four words after eight rounds.
#[inline(always)]
fn block<S: Simd>(simd: S, start: [S::u32s; 16]) -> [S::u32s; 4] {
    let mut s = start;
    for _ in 0..4 {
        quarter::<S, 0, 4, 8, 12>(simd, &mut s);
        quarter::<S, 1, 5, 9, 13>(simd, &mut s);
        quarter::<S, 2, 6, 10, 14>(simd, &mut s);
        quarter::<S, 3, 7, 11, 15>(simd, &mut s);
        quarter::<S, 0, 5, 10, 15>(simd, &mut s);
        quarter::<S, 1, 6, 11, 12>(simd, &mut s);
        quarter::<S, 2, 7, 8, 13>(simd, &mut s);
        quarter::<S, 3, 4, 9, 14>(simd, &mut s);
    }
    [0, 1, 2, 3].map(|i| simd.add_u32s(s[i], start[i]))
}

#[inline(always)]
fn quarter<S: Simd, const A: usize, const B: usize, const C: usize, const D: usize>(
    simd: S,
    s: &mut [S::u32s; 16],
) {
    for (d_turn, b_turn) in [(16, 12), (8, 7)] {
        s[A] = simd.add_u32s(s[A], s[B]);
        s[D] = turned(simd, simd.xor_u32s(s[D], s[A]), d_turn);
        s[C] = simd.add_u32s(s[C], s[D]);
        s[B] = turned(simd, simd.xor_u32s(s[B], s[C]), b_turn);
    }
}

/// Every lane's bits turned to the left; pulp's own rotation is one of the lanes.
#[inline(always)]
fn turned<S: Simd>(simd: S, x: S::u32s, by: u32) -> S::u32s {
    let left = simd.wrapping_dyn_shl_u32s(x, simd.splat_u32s(by));
    simd.or_u32s(left, simd.wrapping_dyn_shr_u32s(x, simd.splat_u32s(32 - by)))
}

#[cfg(test)]
mod tests {
    use super::super::rng::{Purpose, SeedTree};
    use rand::Rng as _;

    #[test]
    fn heads_are_the_first_words_of_the_streams() {
        let family = SeedTree::new(3, 1).family(Purpose::Action);
        // Full and part chunks, and all 64 bits of the index.
        let indices: Vec<u64> =
            (0..1003).chain((0..2000).map(|i| (i * 0x9e37_79b9_7f4a_7c15u64).rotate_left(17))).collect();
        for count in [0, 1, 15, 16, 17, indices.len()] {
            let heads = family.heads(&indices[..count]);
            assert_eq!(heads.len(), count);
            let units: Vec<f64> = heads.iter().map(|head| head.first_unit()).collect();
            assert_eq!(family.units(&indices[..count]), units);
            for (&index, head) in indices.iter().zip(heads) {
                let mut stream = family.at(index);
                assert_eq!(head.0, [stream.next_u64(), stream.next_u64()], "{index}");
            }
        }
    }

    #[test]
    fn numbers_of_a_head_are_those_of_its_stream() {
        let family = SeedTree::new(3, 1).family(Purpose::Prompt);
        let indices: Vec<u64> = (0..2000).collect();
        let mut rejected = 0;
        for bound in [1, 2, 7, 1000, u64::MAX / 3 * 2] {
            for (&index, head) in indices.iter().zip(family.heads(&indices)) {
                let mut stream = family.at(index);
                match head.below(bound) {
                    Some(below) => {
                        assert_eq!(below, stream.below(bound));
                        assert_eq!(head.second_unit(), stream.open_unit());
                    }
                    None => rejected += 1,
                }
                assert_eq!(head.first_unit(), family.at(index).open_unit());
            }
        }
        // A third of the words is refused at the last bound.
        assert!((600..740).contains(&rejected), "{rejected}");
    }
}
