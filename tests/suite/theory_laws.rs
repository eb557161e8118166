//! The closed forms of continuous laws, from the command line and against simulation.

use crate::cli::{json, outcome, tailcatch};
use serde_json::Value;
use tailcatch::distributions::DistributionSpec;
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::theory::best_of_n::best_of_n;
use tailcatch::theory::conditioning::conditioning;

fn ask(arguments: &[&str]) -> Value {
    json(tailcatch().arg("theory").args(arguments), 0)
}

fn close(answer: &Value, key: &str, want: f64, tolerance: f64) {
    let found = answer[key].as_f64().unwrap_or(f64::NAN);
    assert!((found - want).abs() <= tolerance, "{key}: {found} is not {want}");
}

#[test]
fn the_construction_is_answered() {
    let answer = ask(&["construction", "--error", "student_t:df=3", "--threshold", "100"]);
    close(&answer, "kl", 0.2272, 5e-5);
    close(&answer, "error", 3.7679, 5e-5);
    close(&answer, "mass_after", 0.0251189, 5e-8);
    assert_eq!(answer["tail"], "heavy");
    let light = ask(&["construction", "--error", "normal", "--threshold", "10"]);
    assert_eq!(light["tail"], "light");
}

#[test]
fn the_best_of_n_is_answered() {
    let answer = ask(&["best-of-n", "--n", "256", "--utility", "normal", "--error", "student_t:df=3"]);
    close(&answer, "kl", 256f64.ln() - 255.0 / 256.0, 1e-12);
    close(&answer, "utility", 0.550, 5e-4);
    let scaled = "best-of-n --n 16 --utility normal --error student_t:df=3 --standardize sd";
    let plain = "best-of-n --n 16 --utility normal --error student_t:df=3,scale=0.5773502691896258";
    let both =
        [scaled, plain].map(|text| ask(&text.split(' ').collect::<Vec<_>>())["utility"].as_f64().unwrap());
    assert!((both[0] - both[1]).abs() < 1e-7, "{both:?}");
    let levy = ask(&["best-of-n", "--n", "16", "--utility", "normal", "--error", "levy"]);
    assert!(levy["error"].is_null() && levy["reasons"]["error"].as_str().unwrap().contains("no finite mean"));
    close(&levy, "utility", 0.016, 5e-4);
}

#[test]
fn conditioning_is_answered() {
    let answer =
        ask(&["conditioning", "--utility", "normal", "--error", "student_t:df=3", "--threshold", "10"]);
    close(&answer, "utility", 0.304751140717605, 1e-9);
    close(&answer, "utility_before", 0.0, 0.0);
}

#[test]
fn each_answer_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        "construction --error student_t:df=3 --threshold 100",
        "best-of-n --n 16 --utility normal --error student_t:df=3",
        "conditioning --utility normal --error normal --threshold 3",
        "conditioning --utility normal --error student_t:df=3 --threshold 1e4",
    ] {
        let figure = folder.path().join("figure.svg");
        let (code, _, stderr) =
            outcome(tailcatch().arg("theory").args(arguments.split(' ')).arg("--plot").arg(&figure));
        assert_eq!(code, 0, "{arguments}: {stderr}");
        assert!(std::fs::read_to_string(&figure).unwrap().contains("<svg"), "{arguments}");
    }
}

#[test]
fn what_cannot_be_asked_is_refused_by_name() {
    for (arguments, word) in [
        ("construction --error levy --threshold 10", "levy:location=0,scale=1 has no finite mean"),
        ("construction --error normal --threshold 50", "heavier law"),
        ("best-of-n --n .5 --utility normal --error normal", "n is 0.5"),
        ("best-of-n --n 2 --utility normal --error levy --standardize sd", "iqr"),
        ("conditioning --utility student_t:df=1 --error normal --threshold 1", "no finite mean"),
    ] {
        let (code, stdout, stderr) = outcome(tailcatch().arg("theory").args(arguments.split(' ')));
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments}: {stderr}");
        assert!(
            stderr.split_whitespace().collect::<Vec<_>>().join(" ").contains(word),
            "{arguments}: {stderr}"
        );
    }
}

/// Columns of draws of V and X.
fn draws(utility: &str, error: &str, count: usize) -> [Vec<f64>; 2] {
    let column = |spec: &str, purpose| {
        let mut out = vec![0.0; count];
        let law: DistributionSpec = spec.parse().unwrap();
        law.part().fill(&mut out, &mut SeedTree::new(11, 0).stream(purpose, 0));
        out
    };
    [column(utility, Purpose::Utility), column(error, Purpose::Error)]
}

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt())
}

/// E\[V\] of the best of n by drawing, with its standard error; V is light, so that the error can be trusted.
fn simulated_best(utility: &str, error: &str, n: usize, groups: usize) -> (f64, f64) {
    let [v, x] = draws(utility, error, n * groups);
    let best = |(v, x): (&[f64], &[f64])| {
        let top = (0..n).max_by(|a, b| (v[*a] + x[*a]).total_cmp(&(v[*b] + x[*b]))).unwrap();
        v[top]
    };
    mean_and_error(&v.chunks(n).zip(x.chunks(n)).map(best).collect::<Vec<_>>())
}

fn part(spec: &str) -> DistributionSpec {
    spec.parse().unwrap()
}

/// Four standard errors: each fails by chance once in 16,000 seeds, and an answer off by six standard errors (.04 at 16
/// draws, .06 at 256) fails with probability .98.
#[test]
fn drawing_agrees_with_the_quadrature() {
    for (utility, error, n, groups) in [
        ("normal", "student_t:df=3", 16, 20_000),
        ("normal:sd=2", "laplace", 16, 20_000),
        ("uniform", "levy", 16, 20_000),
        ("normal", "student_t:df=1.5", 256, 8_000),
    ] {
        let (found, se) = simulated_best(utility, error, n, groups);
        let exact = best_of_n(part(utility).part(), part(error).part(), n as f64).unwrap().utility.unwrap();
        assert!((found - exact).abs() < 4.0 * se, "{utility}, {error}: {found} ± {se}, not {exact}");
    }
}

/// As above, on the tenth of the draws with the largest proxy.
#[test]
fn selecting_agrees_with_the_quadrature() {
    for (utility, error) in
        [("normal", "student_t:df=3"), ("laplace", "log_normal"), ("weibull:shape=2", "levy")]
    {
        let [v, x] = draws(utility, error, 200_000);
        let mut proxies: Vec<f64> = v.iter().zip(&x).map(|(v, x)| v + x).collect();
        proxies.sort_unstable_by(f64::total_cmp);
        let threshold = proxies[180_000];
        let chosen: Vec<f64> =
            v.iter().zip(&x).filter(|(v, x)| *v + *x >= threshold).map(|(v, _)| *v).collect();
        let (found, se) = mean_and_error(&chosen);
        let exact = conditioning(part(utility).part(), part(error).part(), threshold).unwrap();
        assert!(
            (found - exact.utility).abs() < 4.0 * se,
            "{utility}, {error}: {found} ± {se}, not {exact:?}"
        );
        assert!((exact.probability - 0.1).abs() < 4.0 * (0.09f64 / 2e5).sqrt(), "{exact:?}");
    }
}

/// The figures themselves, by drawing 2·10⁸ pairs in all: to .004 at 16, .013 at 4096.
#[cfg(feature = "slow")]
#[test]
fn drawing_agrees_at_large_n() {
    for (utility, error, n, groups) in [
        ("normal", "student_t:df=3", 16, 600_000),
        ("normal:sd=2", "student_t:df=3,scale=0.5773502691896258", 4096, 10_000),
        ("normal", "normal", 4096, 10_000),
        ("normal", "pareto:index=1.2", 1024, 20_000),
    ] {
        let (found, se) = simulated_best(utility, error, n, groups);
        let exact = best_of_n(part(utility).part(), part(error).part(), n as f64).unwrap().utility.unwrap();
        assert!((found - exact).abs() < 4.0 * se, "{utility}, {error}: {found} ± {se}, not {exact}");
    }
}
