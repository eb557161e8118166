//! Where the tail begins, if nobody says.

/// Share of the values that count as the tail by default: the top 5%.
///
/// A fixed share is a convention, not an estimate (DuMouchel 1983 took 10%); 5% is what the `gpd_tail` detector
/// uses too, and on the Danish fire losses it lands on the published threshold of 10. Look at the Hill plot and
/// at parameter stability before trusting any single threshold.
pub const TAIL_FRACTION: f64 = 0.05;

/// Largest default number of excesses: beyond it more data move the threshold outwards, which lowers the bias.
pub const MAX_TAIL: usize = 10_000;

/// Default number of upper order statistics of `n` values: 5% of them, at most [`MAX_TAIL`].
pub fn default_k(n: usize) -> usize {
    ((n as f64 * TAIL_FRACTION) as usize).min(MAX_TAIL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_percent_with_a_cap() {
        assert_eq!(default_k(0), 0);
        assert_eq!(default_k(100), 5);
        assert_eq!(default_k(2167), 108);
        assert_eq!(default_k(10_000_000), MAX_TAIL);
    }
}
