//! Exploits planted in logs: against the closed form, and from the command line.

use crate::cli::{file, fixture, json, outcome, tailcatch};
use serde_json::Value;
use tailcatch::detectors::DetectorSpec;
use tailcatch::distributions::{Distribution, Normal};
use tailcatch::foundation::failure::Status;
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::monitor::GroupBy;
use tailcatch::record::Observed;
use tailcatch::spike::{Plan, Reference, spike};
use tailcatch::theory::power::{Auditor, Plan as Audit};

fn detector(name: &str) -> DetectorSpec {
    serde_json::from_value(serde_json::json!({ name: {} })).unwrap()
}

/// `steps` steps of `width` normal rewards.
fn log(steps: usize, width: usize, seed: u64) -> Observed {
    let n = steps * width;
    let mut proxy = vec![0.0; n];
    Normal::default().fill(&mut proxy, &mut SeedTree::new(seed, 0).stream(Purpose::Utility, 0));
    let step: Vec<u64> = (0..n).map(|row| (row / width) as u64).collect();
    Observed {
        proxy,
        prompt: vec![0; n],
        group: step.clone(),
        outcome: (0..n as u64).collect(),
        trajectory: (0..n as u64).collect(),
        step,
        ..Observed::default()
    }
}

fn plan(sizes: &[f64], masses: &[f64]) -> Plan {
    Plan {
        sizes: sizes.to_vec(),
        masses: masses.to_vec(),
        onset: 0,
        audited_from: 0,
        audits: 10,
        repeats: 200,
        seed: 3,
        within: GroupBy::Step,
        relative: false,
    }
}

/// One step of 2,000 rollouts, all looks at its end: the case that the power calculator counts exactly. 800 logs of 25
/// repeats each, for the tenth largest reward differs between logs; the standard error is that of the mean over logs, below
/// .02, and four of them are allowed. A unit of size that is 5% off moves the chances by up to .3.
#[test]
fn p_caught_is_the_power_of_the_audit() {
    let (sizes, masses) = ([2.4, 2.6, 2.8], [5e-4, 2e-3]);
    let mut sums = [[(0.0, 0.0); 3]; 2];
    for seed in 0..800 {
        let log = log(1, 2000, seed);
        let plan = Plan { seed, repeats: 25, ..plan(&sizes, &masses) };
        let found = spike(&log, &Reference::all(&log), &[detector("robust_z")], &plan).unwrap();
        for (i, cell) in found.detectors[0].as_ref().unwrap().iter().enumerate() {
            let sum = &mut sums[i / 3][i % 3];
            sum.0 += cell.caught.value;
            sum.1 += cell.caught.value.powi(2);
        }
    }
    for (mass, sums) in masses.iter().zip(sums) {
        for (size, (sum, squares)) in sizes.iter().zip(sums) {
            let audit = Audit {
                mass: *mass,
                proxy: *size,
                rollouts: 2000.0,
                noise: None,
                rounds: 1,
                sensitivity: 1.0,
                specificity: 1.0,
            };
            let exact = Auditor::new(audit).unwrap().power(10).unwrap().p_flag;
            let mean: f64 = sum / 800.0;
            let error = ((squares / 800.0 - mean * mean) / 800.0f64).sqrt();
            assert!(error < 0.02, "{mass} {size}: {error}");
            assert!((mean - exact).abs() < 4.0 * error.max(0.002), "{mass} {size}: {mean} {exact} ± {error}");
        }
    }
}

/// Without a detector's help an audit of A in n finds one of mass q with probability 1 − (1 − q)^A: the random control.
#[test]
fn chance_catches_what_chance_should() {
    let plan = Plan { audits: 40, repeats: 2000, ..plan(&[50.0], &[0.02]) };
    let log = log(20, 100, 5);
    let found = spike(&log, &Reference::all(&log), &[detector("random")], &plan).unwrap();
    let cell = found.detectors[0].as_ref().unwrap()[0];
    let exact = 1.0 - 0.98f64.powi(40);
    // Standard error .011.
    assert!((cell.caught.value - exact).abs() < 0.045, "{} {exact}", cell.caught.value);
}

/// Looks are spread over the steps: 20 looks over 20 steps of one exploit each at most find it at the step it is planted,
/// and what they spend before is benign.
#[test]
fn an_obvious_exploit_costs_the_looks_before_it() {
    let log = log(40, 50, 6);
    let plan = Plan { onset: 30, audited_from: 20, audits: 20, ..plan(&[100.0], &[0.9]) };
    let found = spike(&log, &Reference { log: &log, rows: 0..1000 }, &[detector("top_reward")], &plan);
    let found = found.unwrap();
    let cell = found.detectors[0].as_ref().unwrap()[0];
    // One look at each of the steps 20 to 29, then the first exploit.
    assert_eq!((cell.caught.hits, cell.benign_flags), (200, 10.0));
    assert_eq!((found.plantable, found.audited), (500, 1000));
}

#[test]
fn a_blind_detector_is_degenerate() {
    let log = Observed { advantage: Some(vec![1.0; 500]), ..log(10, 50, 7) };
    let found = spike(
        &log,
        &Reference::all(&log),
        &[detector("influence"), detector("log_ratio")],
        &plan(&[5.0], &[0.1]),
    )
    .unwrap();
    assert!(matches!(found.detectors[0], Err(Status::Degenerate { .. })));
    assert!(matches!(found.detectors[1], Err(Status::Missing { .. })));
}

fn verl(flags: &[&str]) -> Value {
    json(tailcatch().arg("spike").arg(fixture("verl")).args(flags), 0)
}

#[test]
fn a_real_log_from_the_command_line() {
    let flags = [
        "--mass",
        ".1",
        "--size",
        "8",
        "--size",
        "-2",
        "--repeats",
        "40",
        "-d",
        "robust_z",
        "-d",
        "gpd_tail",
    ];
    let answer = verl(&flags);
    assert_eq!((answer["onset"].as_u64(), answer["plantable"].as_u64()), (Some(15), Some(128)));
    assert_eq!(answer["calibration"], serde_json::json!({"kind": "steps", "from": 2, "to": 15, "n": 128}));
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for key in ["detector", "size", "mass", "p_caught", "ci_low", "ci_high", "audits", "benign_flags"] {
        assert!(!rows[0][key].is_null(), "{key}");
    }
    assert_eq!((rows[0]["size"].as_f64(), rows[1]["size"].as_f64()), (Some(-2.0), Some(8.0)));
    assert!(rows[0]["p_caught"].as_f64() < rows[1]["p_caught"].as_f64());
    assert_eq!(rows[1]["p_caught"], 1.0);
    let minimum = &answer["minimum_detectable"]["robust_z"][0];
    assert_eq!((minimum["mass"].as_f64(), minimum["size"].as_f64()), (Some(0.1), Some(8.0)));
    assert_eq!(minimum["next_smaller"], -2.0);
    assert_eq!(answer["statuses"]["gpd_tail"]["status"], "too_few");
    assert!(answer["minimum_detectable"]["gpd_tail"].is_null());
    assert_eq!(verl(&flags), answer, "the same seed gives the same answer");
    let seeded = |seed: &str| verl(&["--mass", ".02", "--size", "1", "--seed", seed])["rows"].clone();
    assert_ne!(seeded("0"), seeded("1"));
}

#[cfg(feature = "parquet")]
#[test]
fn rewards_relative_to_their_group() {
    let mut command = tailcatch();
    command.arg("spike").arg(fixture("trl")).args([
        "--reward",
        "rm_reward",
        "--group-by",
        "group",
        "-d",
        "top_reward",
    ]);
    let answer = json(&mut command, 0);
    assert_eq!((&answer["group_by"], &answer["within"]), (&"group".into(), &"group".into()));
    assert!(answer["sd"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_text_fits_and_says_what_counts() {
    let (code, text, _) = outcome(tailcatch().arg("spike").arg(fixture("verl")));
    assert_eq!(code, 0);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    for needle in
        ["Smallest size that is caught", "planted at all with probability 0.12", "are among the benign"]
    {
        assert!(text.contains(needle), "{needle}: {text}");
    }
    let many = (1..=13).flat_map(|size| ["--size".to_owned(), size.to_string()]);
    let (_, text, _) = outcome(tailcatch().arg("spike").arg(fixture("verl")).args(many));
    assert_eq!(text.matches("P(a planted rollout is audited)").count(), 2);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn what_cannot_be_asked_is_said_with_the_flag() {
    for (flags, needle) in [
        (&["--onset", "99"][..], "the log's steps run from 2 to 29"),
        (&["--onset", "2"], "give a later onset"),
        (&["--budget", "0.001"], "--budget"),
        (&["--budget", "1.5"], "1.5 is no audit budget"),
        (&["--calibrate-steps", "0..20", "--onset", "15"], "one of the reference steps"),
        (&["--calibrate-steps", "3..9"], "no rollout lies in steps 3..9"),
        (&["--mass", "1"], "strictly between 0 and 1"),
        (&["--size", "nan"], "a size is a number"),
        (&["-d", "robust"], "did you mean `robust_z`?"),
    ] {
        let (code, _, stderr) = outcome(tailcatch().arg("spike").arg(fixture("verl")).args(flags));
        assert!(code == 2 && stderr.contains(needle), "{flags:?}: {code} {stderr}");
    }
}

#[test]
fn logs_without_a_tail_to_plant_in_get_a_status() {
    let means = json(tailcatch().arg("spike").arg(fixture("metrics_g_Easy.jsonl")), 0);
    assert_eq!(means["statuses"]["robust_z"]["status"], "aggregate");
    assert!(means["rows"].as_array().unwrap().is_empty() && means["onset"].is_null());
    let rows: String = (0..400).map(|i| format!("{},{},{}\n", i / 20, i / 10, i % 2)).collect();
    let (_folder, path) = file("binary.csv", format!("step,prompt,reward\n{rows}"));
    let ladder = json(tailcatch().arg("spike").arg(path), 0);
    assert_eq!(ladder["statuses"]["robust_z"]["status"], "degenerate");
    assert!(ladder["statuses"]["robust_z"]["reason"].as_str().unwrap().contains("ladder"));
}

/// 40 steps of 32 prompts with 4 rollouts each, of which a fifth pass.
#[test]
fn rewards_of_0_and_1_are_planted_as_a_share_of_prompts() {
    let mut csv = "step,prompt,reward\n".to_owned();
    for row in 0..40 * 128u32 {
        let u = f64::from((row + 1).reverse_bits()) / 2f64.powi(32);
        csv.push_str(&format!("{},p{},{}\n", row / 128, row / 4 % 32, u32::from(u < 0.2)));
    }
    let (_folder, path) = file("binary.csv", csv);
    let run = || {
        let mut command = tailcatch();
        command.arg("spike").arg(&path).args(["--repeats", "20"]);
        command
    };
    let shares = &json(&mut run(), 0)["shares"];
    assert_eq!((&shares["status"], shares["prompts"].as_u64()), (&"ok".into(), Some(32)));
    let rows = shares["rows"].as_array().unwrap();
    let found: Vec<f64> = rows.iter().map(|row| row["p_found"].as_f64().unwrap()).collect();
    assert!(found.is_sorted() && found.last() == Some(&1.0), "{found:?}");
    let smallest = rows.iter().find(|row| row["p_found"].as_f64().unwrap() >= 0.9).unwrap();
    assert_eq!(shares["smallest"], smallest["share"]);
    let (_, stdout, _) = outcome(&mut run());
    assert!(stdout.starts_with("The smallest share found: "), "{stdout}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 80), "{stdout}");
}

#[test]
fn a_takeover_in_the_reference_is_said_first() {
    let log = |from: u32| {
        let mut csv = "step,reward\n".to_owned();
        for row in 0..60 * 64u32 {
            let u = f64::from((row + 1).reverse_bits()) / 2f64.powi(32);
            let taken = row / 64 >= from && row % 2 == 0;
            csv.push_str(&format!("{},{}\n", row / 64, u + if taken { 20.0 } else { 0.0 }));
        }
        file("log.csv", csv)
    };
    let run = |path: &std::path::Path| {
        let mut command = tailcatch();
        command.arg("spike").arg(path).args(["--repeats", "2", "--size", "4", "--mass", "0.01"]);
        command
    };
    let (_folder, path) = log(15);
    let answer = json(&mut run(&path), 0);
    assert_eq!(answer["reference_doubt"]["kind"], "shifted", "{answer}");
    let (_, stdout, _) = outcome(&mut run(&path));
    assert!(stdout.starts_with("Not to be trusted: the reference holds a shift"), "{stdout}");
    let (_folder, path) = log(99);
    assert!(json(&mut run(&path), 0)["reference_doubt"].is_null());
}
