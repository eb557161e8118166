//! From one random word to a uniform number that keeps its leading digits near 0.

/// A uniform in (0, ½] with all its leading digits, and a sign, from one word.
///
/// 63 bits: the smallest value is 2⁻⁶⁵, so a closed quantile reaches ten times deeper into both tails than a
/// uniform of 53 bits.
#[inline]
pub(super) fn half_and_sign(word: u64) -> (f64, f64) {
    const UNIT: f64 = 0.25 / (1u64 << 62) as f64;
    let half = ((word >> 1) as i64 as f64 + 0.5) * UNIT;
    (half, f64::from_bits(1f64.to_bits() | (word << 63)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_exact() {
        assert_eq!(half_and_sign(0), (2f64.powi(-65), 1.0));
        assert_eq!(half_and_sign(u64::MAX), (0.5, -1.0));
    }
}
