//! How a simulated number is held against a published one.

/// Mean and standard error of values.
pub fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// The comparison rule: |a − b| ≤ 3·√(s₁² + s₂²). A true difference of 5 such errors is found with probability .98.
pub fn assert_agrees(what: &str, (ours, our_error): (f64, f64), (theirs, their_error): (f64, f64)) {
    let error = our_error.hypot(their_error);
    assert!(
        (ours - theirs).abs() <= 3.0 * error,
        "{what}: {ours:.4} ± {our_error:.4} against {theirs} ± {their_error:.4}: {:.1} standard errors apart",
        (ours - theirs).abs() / error
    );
}
