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

/// `f` of 0..count on two threads, results in order.
pub fn in_parallel<T: Send>(count: u64, f: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let half = |start: u64| (start..count).step_by(2).map(&f).collect::<Vec<T>>();
    let (even, odd) = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        (half(0), other.join().unwrap())
    });
    let (mut even, mut odd) = (even.into_iter(), odd.into_iter());
    (0..count).map(|i| if i % 2 == 0 { even.next() } else { odd.next() }.unwrap()).collect()
}
