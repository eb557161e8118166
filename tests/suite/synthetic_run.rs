//! A run folder made up from curves with the shape of the real thing, so that figures and report have all that they can show:
//! an exploit that half of the runs fall for, over-optimisation under a heavy tail, detectors that differ.

use serde::Serialize;
use std::path::Path;
use tailcatch::foundation::order;
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::record::folder::*;
use tailcatch::record::metric;
use tailcatch::record::tables::*;

/// How large the folder is.
pub struct Shape {
    pub keys: &'static [&'static str],
    pub arms: Vec<Vec<&'static str>>,
    pub steps: u64,
    pub replicates: u64,
    pub question: &'static str,
}

/// One arm, with training steps and an audit.
pub fn quickstart() -> Shape {
    Shape {
        keys: &[],
        arms: vec![vec![]],
        steps: 120,
        replicates: 24,
        question: "Is a rare exploit caught before it does damage?",
    }
}

/// A grid of tails and KL budgets, solved exactly.
pub fn tail_index() -> Shape {
    let tails = [
        "{ normal = {} }",
        "{ exponential = {} }",
        "{ student_t = { df = 5 } }",
        "{ student_t = { df = 3 } }",
        "{ student_t = { df = 2 } }",
    ];
    let arms = tails.iter().flat_map(|tail| ["0.1", "1"].map(|kl| vec![*tail, kl])).collect();
    Shape {
        keys: &["reward.error", "trainer.exact.kl.budget"],
        arms,
        steps: 0,
        replicates: 20,
        question: "At which tail index does utility stop rising?",
    }
}

/// Three KL coefficients, trained.
pub fn coefficients() -> Shape {
    Shape {
        keys: &["trainer.reinforce.kl.coefficient"],
        arms: vec![vec!["0.1"], vec!["0.5"], vec!["2"]],
        steps: 60,
        replicates: 8,
        question: "Does a stronger KL penalty prevent the takeover?",
    }
}

fn gauss(rng: &mut Stream) -> f64 {
    (-2.0 * rng.open_unit().ln()).sqrt() * (std::f64::consts::TAU * rng.open_unit()).cos()
}

fn write<R: Serialize>(dir: &Path, file: &str, rows: &[R]) {
    if rows.is_empty() {
        return;
    }
    let mut writer = csv::Writer::from_path(dir.join(file)).unwrap();
    for row in rows {
        writer.serialize(row).unwrap();
    }
    writer.flush().unwrap();
}

/// Writes the folder.
pub fn make(dir: &Path, shape: &Shape) {
    let tree = SeedTree::new(11, 0);
    let arms: Vec<ArmInfo> = shape
        .arms
        .iter()
        .enumerate()
        .map(|(arm, values)| ArmInfo {
            arm,
            label: if values.is_empty() { "base".into() } else { label(values) },
            values: values.iter().map(|v| (*v).to_owned()).collect(),
            names: Vec::new(),
        })
        .collect();
    let runs: Vec<RunInfo> = (0..arms.len())
        .flat_map(|arm| (0..shape.replicates).map(move |replicate| (arm, replicate)))
        .map(|(arm, replicate)| RunInfo {
            arm,
            replicate,
            train_id: format!("{:016x}", 0x9e37 * (arm as u64 * 1000 + replicate + 1)),
        })
        .collect();
    let (mut replicates, mut steps, mut detectors, mut summary) = (vec![], vec![], vec![], vec![]);
    for (index, run) in runs.iter().enumerate() {
        let mut rng = tree.stream(Purpose::Bootstrap, index as u64);
        replicates.push(one_run(shape, run, &mut rng, &mut steps, &mut detectors));
    }
    let plan = Plan {
        name: if shape.steps > 0 { "quickstart".into() } else { "tail_index".into() },
        question: shape.question.to_owned(),
        semantics: 1,
        seed: 7,
        replicates: shape.replicates,
        sweep_keys: shape.keys.iter().map(|k| (*k).to_owned()).collect(),
        arms,
        runs,
    };
    for arm in &plan.arms {
        summarise(arm.arm, &replicates, &detectors, &mut summary);
    }
    let manifest = Manifest {
        version: "0.1.0".into(),
        semantics: 1,
        git_commit: Some("4f1c0de9a7".into()),
        seed: 7,
        device: "cpu".into(),
        kernels: "native".into(),
        threads: 2,
        numerics: Numerics {
            target: "x86_64-unknown-linux-gnu".into(),
            cpu_features: "avx2,fma".into(),
            binary: "b3:51c0ffee".into(),
        },
        made_with: Vec::new(),
    };
    std::fs::write(dir.join(PLAN), serde_json::to_string_pretty(&plan).unwrap()).unwrap();
    std::fs::write(dir.join(MANIFEST), serde_json::to_string_pretty(&manifest).unwrap()).unwrap();
    std::fs::write(
        dir.join(CONFIG),
        "question = \"…\"\nseed = 7\nreplicates = 24\n\n[environment.bandit]\noutcomes = 10000\n",
    )
    .unwrap();
    write(dir, ReplicateRow::FILE, &replicates);
    write(dir, SummaryRow::FILE, &summary);
    write(dir, DetectorRow::FILE, &detectors);
    write(dir, StepRow::FILE, &steps);
    tails(dir, &plan, &tree);
    if shape.steps > 0 {
        recorded(dir, &plan, &tree);
    }
}

/// Rollouts of the first two replicates of each arm: one in twenty is a hack that pays 8 more, one in fifty a placebo.
fn recorded(dir: &Path, plan: &Plan, tree: &SeedTree) {
    let (mut observed, mut truth) = (vec![], vec![]);
    for (index, run) in plan.runs.iter().enumerate().filter(|(_, run)| run.replicate < 2) {
        let mut rng = tree.stream(Purpose::Action, index as u64);
        for trajectory in 0..640 {
            let (hack, placebo) = (trajectory % 20 == 7, trajectory % 50 == 1);
            let proxy = (10.0 * (gauss(&mut rng) + if hack { 4.0 } else { 0.0 })).round() / 10.0;
            observed.push(ObservedRow {
                train_id: run.train_id.clone(),
                step: trajectory / 64,
                trajectory,
                outcome: trajectory,
                prompt: 0,
                group: 0,
                proxy,
                reward: Some(proxy),
                advantage: None,
                log_prob: Some(-9.0 + 0.3 * gauss(&mut rng) + if hack { 0.4 } else { 0.0 }),
                ref_log_prob: Some(-9.2),
                length: None,
                disagreement: None,
                gradient_norm: None,
            });
            truth.push(TruthRow {
                train_id: run.train_id.clone(),
                trajectory,
                utility: if hack { -5.0 } else { proxy },
                error: 0.0,
                class: if hack { 1 } else { 2 * u32::from(placebo) },
                hack,
            });
        }
    }
    write(dir, ObservedRow::FILE, &observed);
    write(dir, TruthRow::FILE, &truth);
}

fn label(values: &[&str]) -> String {
    if let [only] = values {
        return format!("β={only}");
    }
    let tail = values[0].replace(['{', '}', ' '], "").replace("student_t=df=", "t").replace('=', "");
    format!("{tail}, ε={}", values[1])
}

/// The tail index ξ that an arm's error has.
fn xi(arm: usize, arms: usize) -> f64 {
    if arms == 1 { 0.5 } else { [0.02, 0.08, 0.2, 1.0 / 3.0, 0.5][arm / 2 % 5] }
}

fn one_run(
    shape: &Shape,
    run: &RunInfo,
    rng: &mut Stream,
    steps: &mut Vec<StepRow>,
    detectors: &mut Vec<DetectorRow>,
) -> ReplicateRow {
    let heavy = xi(run.arm, shape.arms.len());
    let exact = shape.steps == 0;
    let takeover = 45.0 + 18.0 * gauss(rng);
    let learned = !exact && rng.open_unit() < 0.6;
    let sighting = (takeover - 28.0 - 6.0 * rng.open_unit()).max(1.0) as u64;
    let caught = learned && rng.open_unit() < 0.65;
    let caught_step = sighting + 1 + (rng.open_unit() * 12.0) as u64;
    let (mut last, mut last_clean) = ((0.0, 0.0, 0.0, 2e-4), 0.0);
    for step in 0..shape.steps {
        let t = step as f64;
        let clean = 1.78 * (1.0 - (-t / 32.0).exp()) + 0.01 * gauss(rng);
        let logit = -8.5 + 8.5 * t / takeover.max(12.0);
        let p = if !learned {
            2e-4 * (1.0 - 0.5 * t / 120.0)
        } else if caught && step > caught_step {
            2e-5
        } else {
            1.0 / (1.0 + (-logit).exp())
        };
        let utility = (1.0 - p) * clean - 5.0 * p;
        let kl = 1.3 * (1.0 - (-t / 40.0).exp()) + 8.5 * p + 0.01 * gauss(rng).abs() * t.min(1.0);
        let proxy = (1.0 - p) * 1.15 * clean + 50.0 * p;
        last = (utility, proxy, kl, p);
        last_clean = clean;
        steps.push(StepRow {
            train_id: run.train_id.clone(),
            arm: run.arm,
            replicate: run.replicate,
            step,
            proxy_mean: proxy,
            proxy_sd: Some(1.0),
            proxy_p50: clean,
            proxy_p99: clean + 2.3,
            proxy_max: 50.0,
            top1_share: Some(0.1),
            expectations: "enumerated".to_owned(),
            utility: Some(utility),
            utility_se: None,
            clean_utility: Some(clean),
            proxy: Some(proxy),
            kl: Some(kl),
            kl_k1: Some(kl),
            kl_k2: None,
            kl_k3: Some(kl),
            kl_coefficient: Some(0.5),
            entropy: Some(9.2 - kl),
            clip_fraction: None,
            p_hack: Some(p),
            proxy_from_hacks: Some(50.0 * p),
            attributable_loss: Some(clean - utility),
            attributable_loss_se: None,
            placebo_loss: None,
            looks: None,
            removed: 0,
            removed_honest: 0,
            sightings: 0,
            influence_max: None,
            influence_cumulative: None,
            xi_gpd: None,
            n_excess: 0,
        });
    }
    if exact {
        let budget: f64 = shape.arms[run.arm][1].parse().unwrap();
        let ratio = (1.0 - 1.9 * heavy * budget.powf(0.15)).max(0.02);
        let utility = (2.0 * budget).sqrt() * ratio + 0.05 * gauss(rng) * (0.2 + heavy);
        last = (
            utility,
            (2.0 * budget).sqrt() * (1.0 + 5.0 * heavy * heavy) * (1.0 + 0.3 * heavy * gauss(rng)),
            budget,
            0.01,
        );
        last_clean = (2.0 * budget).sqrt();
    }
    let damage = (learned && !caught).then_some(takeover.max(15.0) as u64 - 4);
    for (detector, skill) in [
        ("oracle", 1.0),
        ("robust_z", 0.8),
        ("gpd_tail", 0.7),
        ("log_ratio", 0.5),
        ("influence", 0.35),
        ("random", 0.05),
    ] {
        for budget in [1e-4, 1e-3, 1e-2, 1e-1] {
            if exact {
                continue;
            }
            let chance: f64 = 1.0 - (-30.0f64 * budget).exp();
            let power = if skill > 0.99 {
                0.97
            } else {
                (skill + (1.0 - skill) * chance) * (1.0 - (-budget * 3000.0 * skill).exp()).max(chance)
            };
            let ok = rng.open_unit() < power;
            detectors.push(DetectorRow {
                judge_id: "j".into(),
                train_id: run.train_id.clone(),
                arm: run.arm,
                replicate: run.replicate,
                detector: detector.into(),
                access: if detector == "log_ratio" { "policy" } else { "reward" }.into(),
                supervision: if matches!(detector, "oracle" | "random") { "control" } else { "unsupervised" }
                    .into(),
                base_rate: Some(2e-4),
                auditor: "top".into(),
                budget: Some(budget),
                looks: Some(30),
                benign_looks: Some(28),
                n: 30720,
                n_positive: 9,
                auroc: (detector != "influence").then_some(0.6 + 0.4 * skill),
                average_precision: Some(skill * 0.8),
                recall: Some(power),
                precision: Some(power * 0.5),
                recall_at_fpr_1e3: Some(skill),
                false_positive_rate: Some(1e-4),
                honest_flag_rate: None,
                clean_alarm: Some(false),
                latency: ok.then_some(3),
                first_catch: ok.then_some(sighting + 3),
                caught_in_time: Some(ok),
                random_baseline: Some(chance),
                status: if detector == "influence" { "needs advantage".into() } else { "ok".into() },
            });
        }
    }
    ReplicateRow {
        train_id: run.train_id.clone(),
        arm: run.arm,
        replicate: run.replicate,
        utility: Some(last.0),
        clean_utility: Some(last_clean),
        swap_utility: None,
        reference_utility: Some(0.0),
        proxy: Some(last.1),
        error: Some(last.1 - last.0),
        kl: Some(last.2),
        kl_k1: Some(last.2),
        kl_k3: Some(last.2),
        kl_coefficient: Some(0.5),
        kl_status: None,
        beta_critical: None,
        p_hack: Some(last.3),
        proxy_from_hacks: None,
        proxy_spread: None,
        top_mass: Some(0.1),
        kl_max: Some(9.2),
        sightings_before_damage: 0,
        proxy_max: Some(50.0),
        p_seen: None,
        sightings: if exact { 0 } else { 9 },
        first_sighting: (!exact).then_some(sighting),
        first_true_flag: learned.then_some(sighting + 1),
        first_catch: caught.then_some(caught_step),
        attributable_loss: Some(last_clean - last.0),
        attributable_loss_sum: None,
        placebo_loss: None,
        placebo_damage_step: None,
        learned: Some(learned),
        learned_step: None,
        population_harm: Some(last_clean - last.0),
        goodhart_gap: None,
        clean_goodhart_gap: None,
        goodharted: None,
        auditor: "records".into(),
        response: "none".into(),
        delay: 0,
        looks: 30,
        benign_looks: 28,
        audit_cost: 30.0,
        end: String::new(),
        onset_step: None,
        damage_step: damage,
        takeover_step: damage.map(|d| d + 4),
        window: damage.map(|d| d + 4 - sighting),
        audits: 30,
        true_positives: 2,
        caught_in_time: learned.then_some(caught),
        outcome: if exact {
            "not_learned"
        } else if caught {
            "caught_before_damage"
        } else if learned {
            "never_caught"
        } else {
            "not_learned"
        }
        .into(),
        recovery: None,
    }
}

fn summarise(
    arm: usize,
    replicates: &[ReplicateRow],
    detectors: &[DetectorRow],
    summary: &mut Vec<SummaryRow>,
) {
    let mine: Vec<&ReplicateRow> = replicates.iter().filter(|row| row.arm == arm).collect();
    let n = mine.len();
    let mut push = |metric: &str, estimate, low, high, method: &str| {
        summary.push(SummaryRow {
            arm,
            metric: metric.into(),
            estimate,
            ci_low: low,
            ci_high: high,
            replicates: n,
            method: method.into(),
        });
    };
    for (name, column) in [
        ("utility", (|r| r.utility) as fn(&ReplicateRow) -> Option<f64>),
        ("clean_utility", |r| r.clean_utility),
        ("proxy", |r| r.proxy),
        ("kl", |r| r.kl),
    ] {
        let values: Vec<f64> = mine.iter().filter_map(|r| column(r)).collect();
        let at = |p| order::quantile(&values, p);
        push(name, at(0.5), at(0.25), at(0.75), "median, order statistics");
    }
    push("recovery", None, None, None, "degenerate: no mitigation was on");
    let mut seen: Vec<(&str, f64)> = Vec::new();
    for row in detectors.iter().filter(|row| row.arm == arm) {
        if seen.contains(&(row.detector.as_str(), row.budget.unwrap())) {
            continue;
        }
        seen.push((&row.detector, row.budget.unwrap()));
        let same: Vec<&DetectorRow> = detectors
            .iter()
            .filter(|d| d.arm == arm && d.detector == row.detector && d.budget == row.budget)
            .collect();
        let (k, n) =
            (same.iter().filter(|d| d.caught_in_time == Some(true)).count() as f64, same.len() as f64);
        let (p, z2) = (k / n, 3.84);
        let (centre, half) = (
            (p + z2 / (2.0 * n)) / (1.0 + z2 / n),
            (z2 * p * (1.0 - p) / n + z2 * z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n),
        );
        push(
            &metric::at_budget(metric::CATCH_RATE, &row.detector, row.budget.unwrap()),
            Some(p),
            Some(centre - half),
            Some(centre + half),
            "Wilson 95%",
        );
        if row.budget == Some(1e-3) {
            push(
                &metric::by_auditor(metric::CATCH_RATE, &row.detector, "records"),
                Some(p),
                Some(centre - half),
                Some(centre + half),
                "Wilson 95%",
            );
            push(&metric::by_auditor("looks", &row.detector, "records"), Some(30.0), None, None, "mean");
            push(
                &metric::by_auditor("benign_looks", &row.detector, "records"),
                Some(28.0),
                None,
                None,
                "mean",
            );
        }
        push(
            &metric::at_budget(metric::RANDOM_BASELINE, &row.detector, row.budget.unwrap()),
            row.random_baseline,
            None,
            None,
            "mean",
        );
    }
}

fn tails(dir: &Path, plan: &Plan, tree: &SeedTree) {
    let (mut survival, mut hill) = (vec![], vec![]);
    for arm in &plan.arms {
        let xi = xi(arm.arm, plan.arms.len());
        let n = 20_000;
        for (offset, series) in ["reference", "training"].into_iter().enumerate() {
            let mut rng = tree.stream(Purpose::Calibration, (2 * arm.arm + offset) as u64);
            let mut draws: Vec<f64> = (0..n)
                .map(|_| {
                    let body = gauss(&mut rng) + 0.8 * offset as f64;
                    let tail =
                        if rng.open_unit() < 0.08 { (rng.open_unit().powf(-xi) - 1.0) / xi } else { 0.0 };
                    body + tail
                })
                .collect();
            draws.sort_by(|a, b| b.total_cmp(a));
            let (k, u) = (1000usize, draws[1000]);
            let mut rank = 1.0f64;
            while rank < n as f64 {
                let i = rank as usize;
                let y = draws[i - 1];
                let s = i as f64 / n as f64;
                let fit = (i <= k).then(|| {
                    k as f64 / n as f64 * (1.0 + xi * (y - u).max(0.0) / (1.0 + xi)).powf(-1.0 / xi)
                });
                survival.push(SurvivalRow {
                    arm: arm.arm,
                    series: series.into(),
                    proxy: y,
                    survival: s,
                    gpd_fit: fit,
                });
                rank = (rank * 1.06).max(rank + 1.0);
            }
            if offset == 0 {
                let mut k = 10.0f64;
                while k < 3000.0 {
                    let (i, base) = (k as usize, draws[k as usize].ln());
                    let h = draws[..i].iter().map(|x| x.ln() - base).sum::<f64>() / i as f64;
                    let se = h / (i as f64).sqrt();
                    hill.push(HillRow {
                        arm: arm.arm,
                        k: i,
                        xi: h,
                        ci_low: Some(h - 1.96 * se),
                        ci_high: Some(h + 1.96 * se),
                    });
                    k *= 1.12;
                }
            }
        }
    }
    write(dir, SurvivalRow::FILE, &survival);
    write(dir, HillRow::FILE, &hill);
}
