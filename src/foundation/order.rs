//! Order statistics: quantiles, median, MAD, ranks.

use super::radix;

/// Multiplies a MAD to estimate the standard deviation of a normal: 1/Φ⁻¹(3/4).
pub const MAD_TO_SD: f64 = 1.482_602_218_505_602;

/// Interquartile range of the standard normal: 2Φ⁻¹(3/4).
pub const NORMAL_IQR: f64 = 1.348_979_500_392_163_4;

/// Sorted copy by total order; callers have refused NaN before.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut keys: Vec<u64> = values.iter().map(|x| key(x.to_bits())).collect();
    radix::sort(&mut keys, 0);
    keys.into_iter().map(|key| f64::from_bits(bits(key))).collect()
}

/// As [`sorted`], from the largest down.
pub fn descending(values: &[f64]) -> Vec<f64> {
    let mut keys: Vec<u64> = values.iter().map(|x| !key(x.to_bits())).collect();
    radix::sort(&mut keys, 0);
    keys.into_iter().map(|key| f64::from_bits(bits(!key))).collect()
}

/// As [`descending`], in the place of the values.
pub fn into_descending(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    values
}

/// An integer that rises in the total order of floating-point numbers (IEEE 754, section 5.10).
fn key(bits: u64) -> u64 {
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// The number that such an integer stands for.
fn bits(key: u64) -> u64 {
    if key >> 63 == 0 { !key } else { key & !(1 << 63) }
}

/// Quantile of ascending values by linear interpolation (type 7 of Hyndman & Fan 1996); `None` of nothing.
pub fn quantile_sorted(ascending: &[f64], p: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    let position = p.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    let weight = position - below as f64;
    let (a, b) = (ascending[below], ascending[above]);
    Some(match b - a {
        _ if weight == 0.0 || a == b => a,
        between if between.is_finite() => a + weight * between,
        // Two huge values of opposite sign.
        _ => (1.0 - weight) * a + weight * b,
    })
}

/// Type-7 quantile of values in any order.
pub fn quantile(values: &[f64], p: f64) -> Option<f64> {
    quantile_sorted(&sorted(values), p)
}

/// Median.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Median absolute deviation from the median, unscaled.
pub fn mad(values: &[f64]) -> Option<f64> {
    let centre = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|x| (x - centre).abs()).collect();
    median(&deviations)
}

/// [`mad`] of ascending values from their median, without sorting again: deviations rise to both sides of it.
pub fn mad_sorted(ascending: &[f64], median: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    let (mut below, mut above) = ascending.split_at(ascending.partition_point(|x| *x < median));
    let mut next = || {
        let (left, right) =
            (below.last().map(|x| (x - median).abs()), above.first().map(|x| (x - median).abs()));
        if left.is_some_and(|left| right.is_none_or(|right| left <= right)) {
            below = &below[..below.len() - 1];
            left
        } else {
            above = above.get(1..)?;
            right
        }
    };
    let middle = (0..=last / 2).map_while(|_| next()).last()?;
    let pair = [middle, if last % 2 == 0 { middle } else { next()? }];
    quantile_sorted(&pair, 0.5)
}

/// Ranks from 1, ties share their mean rank.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let tied = order[start..].iter().take_while(|&&i| values[i] == values[order[start]]).count().max(1);
        let shared = start as f64 + (tied as f64 + 1.0) / 2.0;
        for &i in &order[start..start + tied] {
            ranks[i] = shared;
        }
        start += tied;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_is_by_total_order_in_both_directions() {
        let odd =
            [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 5e-324, -5e-324, f64::NAN];
        for count in [0, 9, 5000] {
            let draw = |i: usize| (i as f64 * 0.37).sin() * 10f64.powi(i as i32 % 40 - 20);
            let values: Vec<f64> = odd.iter().copied().cycle().take(9).chain((0..count).map(draw)).collect();
            let mut compared = values.clone();
            compared.sort_by(f64::total_cmp);
            let same = |a: &[f64], b: &[f64]| a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits()));
            assert!(same(&sorted(&values), &compared));
            compared.reverse();
            assert!(same(&into_descending(values.clone()), &compared));
            assert!(same(&descending(&values), &compared));
        }
    }

    #[test]
    fn quantiles_interpolate() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&values, 0.5), Some(2.5));
        assert_eq!(quantile(&values, 0.25), Some(1.75));
        assert_eq!(quantile(&values, 1.0), Some(4.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn quantiles_do_not_turn_infinities_into_nan() {
        assert_eq!(quantile(&[1.0, f64::INFINITY, f64::INFINITY], 0.9), Some(f64::INFINITY));
    }

    #[test]
    fn the_deviations_of_sorted_values_have_the_same_median() {
        for count in 1..200 {
            let draw = |i: usize| (((i * i) as f64 * 0.37).sin() * 10.0).powi(3).round() / 8.0;
            let values: Vec<f64> = (0..count).map(draw).collect();
            let centre = median(&values).unwrap();
            assert_eq!(mad_sorted(&sorted(&values), centre), mad(&values), "{count}");
        }
        let huge = [f64::MIN, -1.0, 3.0, f64::MAX];
        assert_eq!(mad_sorted(&huge, median(&huge).unwrap()), mad(&huge));
        assert_eq!(mad_sorted(&[], 0.0), None);
    }

    #[test]
    fn the_middle_of_two_huge_values_of_opposite_sign_is_a_number() {
        assert_eq!(median(&[-1e308, 1e308]), Some(0.0));
        assert!(
            quantile(&[f64::MIN, f64::MAX], 0.75).is_some_and(|x| (x / (f64::MAX / 2.0) - 1.0).abs() < 1e-15)
        );
    }

    #[test]
    fn ties_share_ranks() {
        assert_eq!(ranks(&[5.0, 1.0, 5.0, 0.0]), vec![3.5, 2.0, 3.5, 1.0]);
        assert_eq!(mad(&[1.0, 1.0, 1.0, 9.0]), Some(0.0));
    }
}
