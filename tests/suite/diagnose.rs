//! `tailcatch diagnose`, and the frame that all commands share.

use crate::cli::{file, fixture, json, outcome, tailcatch};

#[test]
fn the_danish_losses_have_the_published_fit() {
    let path = fixture("danish.csv");
    let answer = json(tailcatch().args(["diagnose", "--threshold", "10"]).arg(&path), 0);
    let gpd = |key: &str| answer["gpd"][key].as_f64().unwrap();
    // McNeil 1997; R's fExtremes gives .49681, 6.97455.
    assert!((gpd("xi") - 0.4968).abs() < 1e-3, "{}", gpd("xi"));
    assert!((gpd("scale") - 6.975).abs() < 1e-2, "{}", gpd("scale"));
    assert!(gpd("ci_low") < gpd("xi") && gpd("xi") < gpd("ci_high") && gpd("log_likelihood") < 0.0);
    assert_eq!((answer["n"].as_u64(), answer["threshold"].as_f64()), (Some(2167), Some(10.0)));
    for estimator in ["hill", "moment", "pickands", "kernel", "gpd"] {
        for key in ["xi", "ci_low", "ci_high", "k"] {
            assert!(answer[estimator][key].is_number(), "{estimator} {key}");
        }
        assert_eq!(answer[estimator]["status"], "ok");
    }
    let (code, stdout, _) = outcome(tailcatch().args(["diagnose", "-t", "10"]).arg(&path));
    assert_eq!(code, 0);
    assert!(stdout.contains("109 excesses above 10.00") && stdout.contains("Heavy-tailed"), "{stdout}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 80 || line.contains("danish.csv")));
}

#[test]
fn too_few_excesses_stand_in_the_place_of_a_number() {
    let path = fixture("pairs.csv");
    let answer = json(tailcatch().args(["diagnose", "-c", "chosen_reward"]).arg(&path), 0);
    assert_eq!(answer["n"], 100);
    assert_eq!(answer["gpd"]["status"], "too_few");
    assert_eq!(answer["gpd"]["reason"], "insufficient: 5 excesses, 10 needed");
    assert!(answer["gpd"]["xi"].is_null());
    let (code, stdout, stderr) = outcome(tailcatch().arg("diagnose").arg(&path));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("--reward chosen_reward") && stderr.contains("`rejected_reward`"), "{stderr}");
}

#[test]
fn step_means_are_answered_aggregate() {
    let path = fixture("metrics_g_Easy.jsonl");
    for column in [&[][..], &["--column", "reward/g"]] {
        let answer = json(tailcatch().arg("diagnose").args(column).arg(&path), 0);
        assert_eq!(answer["status"], "aggregate");
        assert_eq!(answer["hill"]["status"], "aggregate");
        assert!(answer["gpd"]["xi"].is_null() && answer["threshold"].is_null());
    }
    let (_, stdout, _) = outcome(tailcatch().arg("diagnose").arg(&path));
    assert!(stdout.contains("aggregate: each row is a step mean"), "{stdout}");
}

#[test]
fn discrete_and_clipped_rewards_have_no_index() {
    let rows = |reward: &dyn Fn(usize) -> f64| -> String {
        "reward\n"
            .chars()
            .chain((0..1000).flat_map(|i| format!("{}\n", reward(i)).chars().collect::<Vec<_>>()))
            .collect()
    };
    let status = |csv: String| {
        let (_folder, path) = file("a.csv", csv);
        json(tailcatch().arg("diagnose").arg(path), 0)["gpd"]["status"].clone()
    };
    assert_eq!(status(rows(&|i| f64::from(u8::from(i % 3 == 0)))), "discrete");
    assert_eq!(status(rows(&|i| (i as f64 * 0.618_034).fract().min(0.97))), "clipped");
}

/// A log of `steps` × `rows` exact generalised Pareto quantiles in each step's own order, ξ as a function of the step.
fn log(steps: u32, rows: u32, xi: impl Fn(u32) -> f64) -> String {
    let mut csv = "step,reward\n".to_owned();
    for step in 0..steps {
        for row in 0..rows {
            // Van der Corput's sequence in base 2 is spread evenly, whatever the window.
            let u = f64::from((step * rows + row + 1).reverse_bits()) / 2f64.powi(32);
            csv.push_str(&format!("{step},{}\n", (u.powf(-xi(step)) - 1.0) / xi(step)));
        }
    }
    csv
}

#[test]
fn a_tail_that_gets_heavier_shows_by_step() {
    let run = |xi: fn(u32) -> f64| {
        let (folder, path) = file("log.csv", log(50, 200, xi));
        (folder, path)
    };
    let (_folder, path) = run(|step| 0.05 + 0.015 * f64::from(step));
    let answer = json(tailcatch().arg("diagnose").arg(&path), 0);
    let steps = answer["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 10);
    for (i, window) in steps.iter().enumerate() {
        let number = |key: &str| window[key].as_f64().unwrap();
        assert_eq!(
            (window["first"].as_u64(), window["last"].as_u64()),
            (Some(5 * i as u64), Some(5 * i as u64 + 4))
        );
        assert_eq!(
            (window["n"].as_u64(), window["k"].as_u64(), &window["status"]),
            (Some(1000), Some(50), &"ok".into())
        );
        assert!(
            number("ci_low") < number("xi")
                && number("xi") < number("ci_high")
                && number("max") > number("threshold")
        );
    }
    // From .08 in the first window to .755 in the last.
    let trend = |key: &str| answer["trend"][key].as_f64().unwrap();
    assert!((trend("xi_change") - 0.675).abs() < 0.3 && trend("ci_low") > 0.0, "{}", answer["trend"]);
    let (_, stdout, _) = outcome(tailcatch().arg("diagnose").arg(&path));
    assert!(stdout.contains("gets heavier during training") && stdout.contains("45–49"), "{stdout}");
    assert!(stdout.lines().skip(1).all(|line| line.chars().count() <= 80), "{stdout}");

    let (_folder, path) = run(|_| 0.3);
    let (_, stdout, _) = outcome(tailcatch().arg("diagnose").arg(&path));
    assert!(stdout.contains("No change of the tail during training is shown"), "{stdout}");
}

/// A log of `steps` × 64 rollouts on an even grid, each reward changed by step and row, each row its own completion.
fn rollouts(steps: u32, change: impl Fn(u32, u32, f64) -> f64) -> String {
    let mut csv = "step,prompt,completion,reward\n".to_owned();
    for step in 0..steps {
        for row in 0..64 {
            let u = f64::from((step * 64 + row + 1).reverse_bits()) / 2f64.powi(32);
            csv.push_str(&format!("{step},p{},c{step}-{row},{}\n", row / 8, change(step, row, u)));
        }
    }
    csv
}

#[test]
fn a_takeover_is_a_shift_and_no_tail_is_claimed() {
    let csv = rollouts(60, |step, row, u| if step >= 31 && row % 4 != 0 { 20.0 + u } else { u });
    let (_folder, path) = file("log.csv", csv);
    let answer = json(tailcatch().args(["diagnose", "-c", "reward"]).arg(&path), 0);
    assert_eq!((&answer["status"], &answer["verdict"]), (&"shifted".into(), &"not_identifiable".into()));
    for estimator in ["hill", "moment", "pickands", "kernel", "gpd"] {
        assert!(answer[estimator]["xi"].is_null() && answer[estimator]["status"] == "shifted", "{estimator}");
    }
    let (_, stdout, _) = outcome(tailcatch().args(["diagnose", "-c", "reward"]).arg(&path));
    let words = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("Shifted: the top 5% began at 0.94") && words.contains("in steps 0–6 and is at 20.9"),
        "{words}"
    );
    assert!(words.contains("that of the later policy") && words.contains("--steps 0..7"), "{words}");
    assert!(!words.contains("tailed") && !words.contains("No change of the tail"), "{words}");
    // What the remedy gives is a diagnosis.
    let part = json(tailcatch().args(["diagnose", "-c", "reward", "--steps", "0..31"]).arg(&path), 0);
    assert_eq!((&part["status"], part["n"].as_u64()), (&"ok".into(), Some(31 * 64)));
    let (code, _, stderr) =
        outcome(tailcatch().args(["diagnose", "-c", "reward", "--steps", "70..80"]).arg(&path));
    assert!(code == 2 && stderr.contains("the log's run from 0 to 59"), "{stderr}");
}

#[test]
fn a_cluster_of_its_own_is_a_mixture_and_a_threshold_asks_for_its_tail() {
    let csv = rollouts(60, |_, row, u| if row % 64 == 7 { 20.0 + u } else { -u.ln() });
    let (_folder, path) = file("log.csv", csv);
    let run = |flags: &[&str]| json(tailcatch().args(["diagnose", "-c", "reward"]).args(flags).arg(&path), 0);
    let answer = run(&[]);
    assert_eq!((&answer["status"], &answer["gpd"]["xi"]), (&"mixture".into(), &serde_json::Value::Null));
    let (_, stdout, _) = outcome(tailcatch().args(["diagnose", "-c", "reward"]).arg(&path));
    assert!(
        stdout.contains("Mixture: 60 values lie from 20.") && stdout.contains("--threshold 8.318"),
        "{stdout}"
    );
    assert_eq!(run(&["--threshold", "19"])["k"], 60);
}

#[test]
fn what_was_assumed_of_the_log_is_said() {
    let (code, _, stderr) =
        outcome(tailcatch().arg("diagnose").arg(fixture("kinds/trl_twice")).args(["--column", "acc_reward"]));
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("12 of 12 rollouts of step 2 are those of step 1"), "{stderr}");
}

#[test]
fn repeated_completions_are_told_from_clipping_where_the_file_has_them() {
    let value = |row: u32, u: f64| if row % 32 == 5 { 3.0 } else { u };
    let clipped = rollouts(20, |_, row, u| value(row, u));
    let repeated: String = clipped
        .lines()
        .map(|line| match line.strip_suffix(",3") {
            Some(start) => format!("{},again,3\n", &start[..start.rfind(',').unwrap()]),
            None => format!("{line}\n"),
        })
        .collect();
    let run = |csv: &str, json_too: bool| {
        let (_folder, path) = file("log.csv", csv);
        let mut command = tailcatch();
        command.args(["diagnose", "-c", "reward"]).arg(&path);
        if json_too {
            return json(&mut command, 0)["status"].as_str().unwrap().to_owned();
        }
        outcome(&mut command).1.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(run(&repeated, true), "repeated");
    assert!(
        run(&repeated, false)
            .contains("Repeated: the 40 equal values at 3.000, the largest, are one completion again")
    );
    assert_eq!(run(&clipped, true), "clipped");
    let bare =
        clipped.lines().map(|line| format!("{}\n", line.rsplit(',').next().unwrap())).collect::<String>();
    assert!(
        run(&bare, false)
            .contains("40 equal values at 3, the largest: clipped, or one completion again and again")
    );
}

#[test]
fn a_prompt_that_holds_the_tail_is_named_as_one_of_many() {
    let csv = rollouts(40, |_, row, u| if row < 8 { 2.0 - 1.2 * u.ln() } else { -u.ln() });
    let (_folder, path) = file("log.csv", csv);
    let answer = json(tailcatch().args(["diagnose", "-c", "reward"]).arg(&path), 0);
    assert_eq!((&answer["prompts"]["distinct"], &answer["prompts"]["dominated"]), (&8.into(), &true.into()));
    let (_, stdout, _) = outcome(tailcatch().args(["diagnose", "-c", "reward"]).arg(&path));
    assert!(stdout.contains("One of 8 prompts holds"), "{stdout}");
    // Golden steps, for the grid's own order goes along with the row.
    let even = rollouts(40, |step, row, _| -(0.618_034 * f64::from(64 * step + row) + 0.3).fract().ln());
    let (_folder, path) = file("log.csv", even);
    assert_eq!(
        json(tailcatch().args(["diagnose", "-c", "reward"]).arg(&path), 0)["prompts"]["dominated"],
        false
    );
}

#[test]
fn steps_come_from_a_column_or_from_the_order_of_files_or_not_at_all() {
    let windows = |paths: &[&std::path::Path]| {
        let answer = json(tailcatch().arg("diagnose").args(paths), 0);
        (answer["steps"].as_array().unwrap().len(), answer["trend"]["status"].clone())
    };
    // verl and TRL: 64 rollouts in each of a few steps are no window.
    assert_eq!(windows(&[&fixture("verl")]).0, 0);
    let folder = tempfile::tempdir().unwrap();
    for step in 0..4 {
        let rows: String = log(1, 500, |_| 0.3)
            .lines()
            .map(|line| format!("{}\n", line.split_once(',').unwrap().1))
            .collect();
        std::fs::write(folder.path().join(format!("{step}.csv")), rows).unwrap();
    }
    assert_eq!(windows(&[folder.path()]), (4, "ok".into()));
    let only = folder.path().join("0.csv");
    assert_eq!(windows(&[&only]), (0, serde_json::Value::Null));
    // A step that is none costs the view, not the answer.
    let (_folder, path) = file(
        "a.csv",
        log(20, 100, |_| 0.3)
            .replace("\n7,", "\nseven,")
            .replace("step,", "prompt,step,")
            .replace("\n", "\np,")
            .trim_end_matches("p,"),
    );
    let answer = json(tailcatch().args(["diagnose", "-c", "reward"]).arg(&path), 0);
    assert_eq!((answer["n"].as_u64(), answer["steps"].as_array().unwrap().len()), (Some(2000), 0));
}

#[test]
fn k_by_double_bootstrap_is_asked_for_and_repeats() {
    let run = |flags: &[&str]| json(tailcatch().arg("diagnose").arg(fixture("danish.csv")).args(flags), 0);
    assert!(run(&[])["double_bootstrap"].is_null());
    let first = run(&["--double-bootstrap"]);
    let tuned = &first["double_bootstrap"];
    assert_eq!((tuned["resamples"].as_u64(), tuned["seed"].as_u64()), (Some(500), Some(0)));
    for estimator in ["hill", "moment", "kernel"] {
        let entry = &tuned[estimator];
        let xi = entry["xi"].as_f64().unwrap();
        assert!(entry["status"] == "ok" && (0.2..1.0).contains(&xi), "{entry}");
        assert!(entry["ci_low"].as_f64().unwrap() < xi && entry["k"].as_u64().unwrap() >= 10);
        let pair = |key: &str| [0, 1].map(|i| entry[key][i].as_u64().unwrap());
        assert_eq!(pair("resample_sizes"), [1532, 1083]);
        assert!(pair("resample_k")[0] >= pair("resample_k")[1]);
    }
    assert_eq!(first, run(&["--double-bootstrap=500", "--seed", "0"]));
    assert_ne!(first["double_bootstrap"], run(&["--double-bootstrap", "--seed", "1"])["double_bootstrap"]);
    for usage in [&["--seed", "1"][..], &["--double-bootstrap=3"], &["--double-bootstrap=x"]] {
        assert_eq!(
            outcome(tailcatch().arg("diagnose").arg(fixture("danish.csv")).args(usage)).0,
            2,
            "{usage:?}"
        );
    }
    let (_, stdout, _) =
        outcome(tailcatch().arg("diagnose").arg(fixture("danish.csv")).arg("--double-bootstrap"));
    assert!(
        stdout.contains("Hill at its own k") && stdout.contains("500 resamples of each size, seed 0"),
        "{stdout}"
    );
}

#[test]
fn weighted_moments_stand_in_under_their_own_name() {
    let rows: String = (0..2000).map(|i| format!("{}\n", (f64::from(i) + 0.5) / 2000.0)).collect();
    let (_folder, path) = file("a.csv", format!("reward\n{rows}"));
    let answer = json(tailcatch().arg("diagnose").arg(&path), 0);
    assert_eq!(
        (&answer["gpd"]["status"], &answer["gpd"]["xi"]),
        (&"unbounded".into(), &serde_json::Value::Null)
    );
    assert!((answer["gpd_pwm"]["xi"].as_f64().unwrap() + 1.0).abs() < 0.1, "{}", answer["gpd_pwm"]);
    let (_, stdout, _) = outcome(tailcatch().arg("diagnose").arg(&path));
    assert!(stdout.contains("GPD (weighted moments)") && stdout.contains("maximum"), "{stdout}");
    assert!(json(tailcatch().arg("diagnose").arg(fixture("danish.csv")), 0)["gpd_pwm"].is_null());
}

#[test]
fn the_page_of_figures_is_written_where_there_is_a_tail() {
    let folder = tempfile::tempdir().unwrap();
    let draw = |name: &str, input: std::path::PathBuf| {
        let path = folder.path().join(name);
        let (code, _, stderr) = outcome(tailcatch().arg("diagnose").arg(input).arg("--plot").arg(&path));
        (code, std::fs::read(&path).ok(), stderr)
    };
    let (code, svg, stderr) = draw("a.svg", fixture("danish.csv"));
    let text = String::from_utf8(svg.unwrap()).unwrap();
    assert!(code == 0 && stderr.contains("wrote") && text.starts_with("<svg"), "{stderr}");
    for words in ["Hill&apos;s tail index ξ", "Mean excess", "Excesses fitted, k", "Threshold: loss"] {
        assert!(text.contains(words) || text.contains(&words.replace("&apos;", "'")), "{words}");
    }
    assert!(!text.contains("Training step"));
    assert!(draw("a.png", fixture("danish.csv")).1.unwrap().starts_with(b"\x89PNG"));
    let (code, none, stderr) = draw("b.svg", fixture("metrics_g_Easy.jsonl"));
    assert!(code == 0 && none.is_none() && stderr.contains("no figure"), "{stderr}");
    let (code, none, stderr) = draw("a.gif", fixture("danish.csv"));
    assert!(code == 2 && none.is_none() && stderr.contains(".svg, .png or .pdf"), "{stderr}");
}

#[test]
fn faulty_input_exits_2_with_place_and_remedy() {
    let (_folder, path) = file("a.csv", "reward\n1\ninf\n");
    for json in [false, true] {
        let mut command = tailcatch();
        command.arg("diagnose").arg(&path);
        if json {
            command.arg("--json");
        }
        let (code, stdout, stderr) = outcome(&mut command);
        assert_eq!((code, stdout.is_empty()), (2, !json));
        assert!(!json || stdout.contains("a.csv, line 3, column `reward`: the value is inf"), "{stdout}");
        assert!(stderr.contains("a.csv, line 3, column `reward`: the value is inf"), "{stderr}");
        assert!(stderr.contains("help: drop or clip these rows first"), "{stderr}");
    }
    for usage in [&["diagnose"][..], &["nonsense"], &["diagnose", "a.csv", "-t", "nan"], &[]] {
        assert_eq!(outcome(tailcatch().args(usage)).0, 2, "{usage:?}");
    }
}

#[test]
fn colour_and_quiet_are_obeyed() {
    let path = fixture("danish.csv");
    let stdout = |flags: &[&str]| outcome(tailcatch().arg("diagnose").arg(&path).args(flags)).1;
    assert!(!stdout(&[]).contains('\u{1b}'), "no terminal, no colour");
    assert!(stdout(&["--color", "always"]).contains('\u{1b}'));
    let (_folder, gaps) = file("a.csv", "reward,x\n1,a\n,b\n2,c\n");
    let stderr = |flags: &[&str]| outcome(tailcatch().arg("diagnose").arg(&gaps).args(flags)).2;
    assert!(stderr(&[]).contains("1 row without a value was left out"), "{}", stderr(&[]));
    assert_eq!(stderr(&["--quiet"]), "");
}

#[test]
fn a_reader_that_stops_is_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_tailcatch"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &[][..]));
}

#[test]
fn a_list_fits_80_columns_with_settings_and_needs() {
    let text = outcome(tailcatch().arg("list")).1;
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:?}");
    for needle in [
        "settings: tail_fraction=0.05\n",
        "needs: log_prob, ref_log_prob\n",
        "settings: depth=1000, level=0.98, max_excess=2000\n",
        "members=robust_z+within_prompt+length_residual+log_ratio\n",
    ] {
        assert!(text.contains(needle), "{needle} in {text}");
    }
}

#[test]
fn parts_completions_and_manual_are_printed() {
    let parts = json(tailcatch().arg("list"), 0);
    for (kind, part) in [("distributions", "normal"), ("detectors", "gpd_tail")] {
        let found = parts[kind].as_array().unwrap().iter().find(|p| p["name"] == part).unwrap();
        assert!(
            !found["summary"].as_str().unwrap().is_empty() && !found["source"].as_str().unwrap().is_empty()
        );
    }
    let only = json(tailcatch().args(["list", "detectors"]), 0);
    assert_eq!(only.as_object().unwrap().len(), 1);
    let row = |kind: &str, name: &str| {
        let found = parts[kind].as_array().unwrap().iter().find(|part| part["name"] == name);
        found.unwrap_or_else(|| panic!("{kind} {name}")).clone()
    };
    let tail = row("detectors", "gpd_tail")["settings"][0].clone();
    assert_eq!((tail["name"].as_str(), tail["default"].as_f64()), (Some("tail_fraction"), Some(0.05)));
    assert_eq!(
        (tail["required"].as_bool(), tail["summary"].as_str().unwrap().is_empty()),
        (Some(false), false)
    );
    assert_eq!(row("detectors", "log_ratio")["needs"], serde_json::json!(["log_prob", "ref_log_prob"]));
    assert_eq!(row("detectors", "top_reward")["needs"], serde_json::json!([]));
    assert_eq!(row("monitors", "drift_spot")["settings"].as_array().unwrap().len(), 3);
    for control in ["random", "oracle"] {
        assert!(row("controls", control)["summary"].as_str().unwrap().ends_with("(control)"));
    }
    assert_eq!(parts["controls"].as_array().unwrap().len(), 2);
    assert!(outcome(tailcatch().args(["completions", "zsh"])).1.starts_with("#compdef tailcatch"));
    assert!(outcome(tailcatch().arg("man")).1.contains(".TH tailcatch 1"));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(outcome(tailcatch().arg("man").arg(folder.path())).0, 0);
    assert!(folder.path().join("tailcatch-diagnose.1").is_file());
}
