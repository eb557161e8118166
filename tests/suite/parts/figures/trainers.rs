//! A trainer by the true utility that it reaches on its way from the reference, under a light and under a heavy-tailed error.

use super::{chart, curve, ran};
use tailcatch::plots::chart::Chart;
use tailcatch::plots::scale::Kind;

pub fn figure(name: &str) -> Chart {
    let light = path(name, "normal = {}");
    let heavy = path(name, "student_t = { df = 2 }");
    let moves = name != "reference";
    let (x, caption) = match strengths(name) {
        _ if !moves => {
            ("Training step", "True utility by step of a table of 2,000 outcomes: nothing is learned.")
        }
        Some((setting, _)) => (
            "√KL from the reference, √nats",
            match setting {
                "kl" => {
                    "True utility at KL budgets from .01 to 3 nats, on tables of 2,000 outcomes whose error is normal or Student's t with \
                         2 degrees of freedom, of the same interquartile range."
                }
                "n" => {
                    "True utility of the best of 2 to 1,024 draws, on tables of 2,000 outcomes whose error is normal or Student's t with 2 \
                        degrees of freedom, of the same interquartile range."
                }
                "mass" => {
                    "True utility of the top half down to the top .3% by proxy, on tables of 2,000 outcomes whose error is normal or \
                           Student's t with 2 degrees of freedom, of the same interquartile range."
                }
                _ => {
                    "True utility at thresholds from low to high, on tables of 2,000 outcomes whose error is normal or Student's t with 2 \
                      degrees of freedom, of the same interquartile range."
                }
            },
        ),
        None => (
            "√KL from the reference, √nats",
            "True utility on the way of 100 steps with the settings by default, on tables of 2,000 outcomes whose error is normal or Student's t \
             with 2 degrees of freedom, of the same interquartile range.",
        ),
    };
    chart(
        format!("True utility under {name}"),
        caption,
        (x, Kind::Linear),
        ("E[V]", Kind::Linear),
        vec![curve("normal error", light), curve("t(2) error", heavy)],
    )
}

/// The setting by which a trainer that does not learn goes further, and its values.
fn strengths(name: &str) -> Option<(&'static str, &'static [&'static str])> {
    const BUDGETS: &[&str] = &[
        "{ budget = 0.01 }",
        "{ budget = 0.03 }",
        "{ budget = 0.1 }",
        "{ budget = 0.3 }",
        "{ budget = 1 }",
        "{ budget = 2 }",
        "{ budget = 3 }",
    ];
    match name {
        "exact" => Some(("kl", BUDGETS)),
        "best_of_n" => Some(("n", &["2", "4", "16", "64", "256", "1024"])),
        "quantilizer" => Some(("mass", &["0.5", "0.2", "0.1", "0.03", "0.01", "0.003"])),
        "conditioning" => Some(("threshold", &["0.0", "0.5", "1.0", "2.0", "3.0", "4.0"])),
        "construction" => Some(("threshold", &["1.2", "1.5", "2.0", "2.5", "3.0"])),
        _ => None,
    }
}

/// √KL and E[V] of the policies of a trainer, the reference first.
fn path(name: &str, error: &str) -> Vec<(f64, f64)> {
    let run = |settings: String| {
        ran(&format!(
            "question = '?'\nseed = 2\n[environment.bandit]\noutcomes = 2_000\n[reward]\nerror = {{ {error} }}\nstandardize = 'iqr'\n\
             [policy.tabular]\n[trainer.{name}]\n{settings}\n"
        ))
    };
    if let Some((setting, values)) = strengths(name) {
        let runs: Vec<_> = values.iter().map(|value| run(format!("{setting} = {value}")).last).collect();
        let start = (0.0, runs[0].reference_utility);
        return std::iter::once(start)
            .chain(runs.iter().map(|r| (r.policy.kl.sqrt(), r.policy.utility)))
            .collect();
    }
    let steps = run(format!("steps = {}", if name == "reference" { 20 } else { 100 })).steps;
    let rows = steps.iter().enumerate().filter(|(i, _)| i % 3 == 0);
    if name == "reference" {
        return rows.filter_map(|(i, row)| Some((i as f64, row.utility?))).collect();
    }
    rows.filter_map(|(_, row)| Some((row.kl?.max(0.0).sqrt(), row.utility?))).collect()
}
