//! `tailcatch detect` on logs as trainers write them.

use crate::cli::{file, fixture, json, outcome, tailcatch};
use serde_json::Value;
use tailcatch::foundation::rng::{Purpose, SeedTree};

/// Planted hacks of the verl fixture: (file, row).
const HACKS: [(&str, u64); 4] = [("15.jsonl", 23), ("15.jsonl", 28), ("29.jsonl", 47), ("29.jsonl", 48)];

fn flagged(answer: &Value, detector: &str) -> Vec<(String, u64)> {
    let mut rows: Vec<(String, u64)> = answer["flags"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|flag| flag["detector"] == detector)
        .map(|flag| {
            let file = std::path::Path::new(flag["file"].as_str().unwrap()).file_name().unwrap();
            (file.to_string_lossy().into_owned(), flag["row"].as_u64().unwrap())
        })
        .collect();
    rows.sort();
    rows
}

fn hacks() -> Vec<(String, u64)> {
    HACKS.iter().map(|(file, row)| ((*file).to_owned(), *row)).collect()
}

#[test]
fn planted_hacks_are_flagged_and_nothing_else() {
    let answer = json(tailcatch().args(["detect", "--budget", "4"]).arg(fixture("verl")), 0);
    assert_eq!(answer["n"], 256);
    assert_eq!(answer["calibration"]["kind"], "self-calibrated");
    assert_eq!(answer["rule"]["budget"], 4);
    for detector in ["robust_z", "gpd_tail"] {
        assert_eq!(flagged(&answer, detector), hacks(), "{detector}");
        assert_eq!(answer["statuses"][detector]["status"], "ok");
    }
    // A budget leaves out what scores below the first that is not looked at: the fifth highest reward.
    let rewards =
        tailcatch::record::read_log(&[fixture("verl")], &Default::default()).unwrap().rollouts.observed.proxy;
    let mut descending = rewards.clone();
    descending.sort_by(|a, b| b.total_cmp(a));
    for flag in answer["flags"].as_array().unwrap() {
        let below = flag["would_not_flag_below"].as_f64().unwrap();
        assert!((below - descending[4]).abs() < 1e-9, "{below} {}", descending[4]);
    }
    let flag = &answer["flags"][0];
    for key in ["detector", "file", "row", "step", "score", "p_value", "threshold", "reason"] {
        assert!(!flag[key].is_null(), "{key}");
    }
    assert!(flag["reason"].as_str().unwrap().contains("robust standard deviations"));
}

#[test]
fn early_steps_are_a_reference() {
    let run = |flags: &[&str]| json(tailcatch().arg("detect").arg(fixture("verl")).args(flags), 0);
    let answer = run(&["--calibrate-steps", "0..11", "--detector", "robust_z", "--alert-rate", "1e-4"]);
    assert_eq!(answer["calibration"], serde_json::json!({"kind": "steps", "from": 0, "to": 11, "n": 128}));
    assert_eq!(flagged(&answer, "robust_z"), hacks());
    // The policy got better after these steps: without --group-by step, which takes the drift out, the tail fitted
    // to them also flags three honest rollouts.
    let early = ["--calibrate-steps", "0..11", "-d", "gpd_tail:tail_fraction=0.2", "--alert-rate", "1e-4"];
    let answer = run(&[&early[..], &["--group-by", "step"]].concat());
    assert_eq!(flagged(&answer, "gpd_tail"), hacks());
    let reference = fixture("verl/2.jsonl");
    let answer = run(&["--calibrate", reference.to_str().unwrap(), "-d", "robust_z", "--alert-rate", "1e-4"]);
    assert_eq!(answer["calibration"]["n"], 64);
    assert_eq!(flagged(&answer, "robust_z"), hacks());
}

#[test]
fn prompts_are_compared_with_themselves() {
    // Two prompts far apart; the exploit of the easy one lies within the range of the hard one.
    let mut csv = "step,prompt,reward\n".to_owned();
    for i in 0..200 {
        let noise = (f64::from(i) * 0.618_034).fract();
        csv += &format!("{},easy,{}\n{},hard,{}\n", i / 10, noise, i / 10, 100.0 + noise);
    }
    csv += "20,easy,50\n";
    let (_folder, path) = file("a.csv", csv);
    let run = |flags: &[&str]| {
        json(tailcatch().args(["detect", "-d", "robust_z", "--alert-rate", "1e-6"]).arg(&path).args(flags), 0)
    };
    assert_eq!(flagged(&run(&[]), "robust_z"), []);
    let answer = run(&["--group-by", "prompt"]);
    assert_eq!(flagged(&answer, "robust_z"), [("a.csv".to_owned(), 400)]);
    assert_eq!(answer["flags"][0]["reward"], 50.0);
    assert!(answer["flags"][0]["reason"].as_str().unwrap().starts_with("relative to its prompt's median"));
}

#[test]
fn log_ratio_joins_where_its_columns_are() {
    let mut csv = "step,reward,log_prob,ref_log_prob\n".to_owned();
    for i in 0..100 {
        csv +=
            &format!("0,{},-5,{}\n", (f64::from(i) * 0.618_034).fract(), if i == 42 { -25.0 } else { -5.1 });
    }
    let (_folder, path) = file("a.csv", csv);
    let answer = json(tailcatch().args(["detect", "--budget", "1"]).arg(path), 0);
    assert_eq!(flagged(&answer, "log_ratio"), [("a.csv".to_owned(), 42)]);
    let lacking = json(tailcatch().args(["detect", "-d", "log_ratio"]).arg(fixture("verl")), 0);
    assert_eq!(lacking["statuses"]["log_ratio"]["status"], "missing");
    assert_eq!(lacking["statuses"]["log_ratio"]["reason"], "needs log_prob");
}

#[test]
fn a_mean_of_ranks_says_what_its_members_say() {
    let member = "rank_mean:members=robust_z+length_residual+log_ratio";
    let answer = json(tailcatch().args(["detect", "--budget", "4", "-d", member]).arg(fixture("verl")), 0);
    assert_eq!(flagged(&answer, "rank_mean"), hacks());
    let reason = answer["flags"][0]["reason"].as_str().unwrap();
    for part in [
        "mean rank of 2: robust_z rank 0.99",
        "; length_residual rank 0.9",
        "left out: log_ratio (needs log_prob)",
    ] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    let lone =
        json(tailcatch().args(["detect", "-d", "rank_mean:members=log_ratio"]).arg(fixture("verl")), 0);
    assert_eq!(lone["statuses"]["rank_mean"]["status"], "no_member");
    assert_eq!(lone["statuses"]["rank_mean"]["reason"], "no member is left: log_ratio (needs log_prob)");
}

#[test]
fn refusals_are_said_and_step_means_not_judged() {
    let few = json(tailcatch().args(["detect", "--reward", "chosen_reward"]).arg(fixture("pairs.csv")), 0);
    assert_eq!(few["statuses"]["gpd_tail"]["status"], "too_few");
    let means = json(tailcatch().arg("detect").arg(fixture("metrics_g_Easy.jsonl")), 0);
    assert_eq!(means["n"], 35);
    assert_eq!(means["statuses"]["robust_z"]["status"], "aggregate");
    assert_eq!(means["flags"], serde_json::json!([]));
}

#[test]
fn fail_on_flag_exits_3() {
    let run = |flags: &[&str]| outcome(tailcatch().arg("detect").arg(fixture("verl")).args(flags));
    let (code, stdout, _) = run(&["--fail-on-flag"]);
    assert_eq!(code, 3);
    assert!(stdout.starts_with("flagged: ") && stdout.contains("29.jsonl line 48"), "{stdout}");
    let (_, stdout, _) = run(&["-d", "robust_z"]);
    assert!(stdout.contains("Self-calibrated") && stdout.contains("29.jsonl row 47"), "{stdout}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 100), "{stdout}");
    assert_eq!(run(&[]).0, 0);
    let quiet = fixture("live/clean.csv");
    let run = |flags: &[&str]| {
        let reward = ["detect", "--reward", "quality_reward=1,format_reward=0.5", "--fail-on-flag"];
        outcome(tailcatch().args(reward).arg(&quiet).args(flags))
    };
    assert_eq!(
        run(&["-d", "robust_z", "--alert-rate", "0.1"]).0,
        3,
        "a detector that was asked for flags some"
    );
    let (code, stdout, _) = run(&["-d", "robust_z", "--alert-rate", "1e-300"]);
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.contains("Nothing was flagged"), "{stdout}");
}

#[test]
fn what_would_not_have_been_flagged_is_not_flagged() {
    let run = |path: &std::path::Path| {
        let flags = ["detect", "-d", "robust_z", "-d", "gpd_tail:tail_fraction=0.2", "--alert-rate", "1e-4"];
        json(tailcatch().args(flags).args(["--calibrate-steps", "0..11", "--group-by", "step"]).arg(path), 0)
    };
    let answer = run(&fixture("verl"));
    let flags = answer["flags"].as_array().unwrap();
    assert!(flags.len() > 5);
    for (i, flag) in flags.iter().enumerate() {
        let of: Vec<&Value> = flags.iter().filter(|other| other["detector"] == flag["detector"]).collect();
        assert_eq!(of[flag["rank"].as_u64().unwrap() as usize - 1], &flags[i]);
        assert_eq!(flag["of"], 256);
    }
    let gpd = flags.iter().find(|flag| flag["detector"] == "gpd_tail").unwrap();
    let below = gpd["would_not_flag_below"].as_f64().unwrap();
    assert!(below < gpd["reward"].as_f64().unwrap());
    assert!(gpd["counterfactual"].as_str().unwrap().starts_with("with a reward of "), "{gpd}");
    // The same log with that reward in its place, and with one a little above.
    let text: String = ["2", "10", "15", "29"]
        .map(|step| std::fs::read_to_string(fixture(&format!("verl/{step}.jsonl"))).unwrap())
        .concat();
    let file_step = gpd["step"].as_u64().unwrap();
    let place = [2, 10, 15, 29].iter().position(|step| *step == file_step).unwrap() * 64
        + gpd["row"].as_u64().unwrap() as usize;
    for (reward, flagged) in [(below, false), (below + 1e-6, true)] {
        let rows: Vec<String> = text
            .lines()
            .enumerate()
            .map(|(row, line)| {
                let mut object: Value = serde_json::from_str(line).unwrap();
                if row == place {
                    object["score"] = serde_json::json!(reward);
                }
                object.to_string()
            })
            .collect();
        let (_folder, path) = file("a.jsonl", rows.join("\n"));
        let again = run(&path);
        let rows = again["flags"].as_array().unwrap().iter();
        let found =
            rows.filter(|f| f["detector"] == "gpd_tail").any(|f| f["row"].as_u64() == Some(place as u64));
        assert_eq!(found, flagged, "{reward}");
    }
}

#[test]
fn calibrations_are_set_side_by_side() {
    // Rewards of standard deviation .71 that drift by .15 a step: the threshold of the first steps is soon too low.
    let mut csv = "step,prompt,reward\n".to_owned();
    let mut state = 1u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    for i in 0..4000u32 {
        let noise: f64 = (0..6).map(|_| uniform()).sum::<f64>() - 3.0;
        csv += &format!("{},{},{}\n", i / 200, i % 40, noise + 0.15 * f64::from(i / 200));
    }
    let (_folder, path) = file("a.csv", csv);
    let answer = json(tailcatch().args(["detect", "-d", "robust_z"]).arg(&path), 0);
    let views = answer["calibrations"].as_array().unwrap();
    let names: Vec<&str> = views.iter().map(|view| view["calibration"].as_str().unwrap()).collect();
    assert_eq!(names, ["steps 0..2", "window of 2", "within prompt", "the log itself"]);
    let flags = |i: usize| views[i]["flags"].as_u64().unwrap();
    assert!(flags(0) > 500 && flags(1) < 40 && flags(3) < 4, "{views:?}");
    assert_eq!(views[0]["both"]["window of 2"], views[1]["both"]["steps 0..2"]);
    let (_, text, _) = outcome(tailcatch().args(["detect", "-d", "robust_z"]).arg(&path));
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowing.contains("exceed thresholds meant for 0.1%: rewards have drifted"), "{text}");
    assert!(flowing.contains("it takes for normal what came slowly"), "{text}");
    // A window as the reference is one of them.
    let window = json(tailcatch().args(["detect", "--calibrate-window", "3:1"]).arg(&path), 0);
    assert_eq!(window["calibration"], serde_json::json!({"kind": "window", "steps": 3, "lag": 1}));
    assert_eq!(window["calibrations"][1]["calibration"], "window of 3, 1 before");
    assert_eq!(window["statuses"]["robust_z"]["judged"], 4000 - 4 * 200);
}

#[test]
fn thresholds_may_go_along_and_the_run_has_an_alarm() {
    let mut csv = "step,reward\n".to_owned();
    for i in 0..6000u32 {
        let uniform = (f64::from(i) * 0.618_034).fract();
        // From step 40 on one rollout in twenty is paid too much, ever more.
        let hack = if i >= 4000 && i % 20 == 7 { f64::from(i) / 500.0 } else { 0.0 };
        csv += &format!("{},{}\n", i / 100, -(1.0 - uniform).ln() + hack);
    }
    let (_folder, path) = file("a.csv", csv);
    let run = |flags: &[&str]| {
        let always = ["detect", "-d", "top_reward", "--calibrate-steps", "0..20", "--alert-rate", "1e-3"];
        json(tailcatch().args(always).args(flags).arg(&path), 0)
    };
    let fixed = run(&[]);
    assert!(fixed["true_rate"].is_null());
    let alarm = &fixed["statuses"]["top_reward"]["alarm"]["evidence"];
    assert!(alarm["alarm_step"].as_u64().is_some_and(|step| (40..45).contains(&step)), "{alarm}");
    assert!(alarm["ln_e_value"].as_f64().unwrap() > 20.0);
    for how in ["spot", "drift-spot"] {
        let moving = run(&["--streaming", how]);
        assert_eq!(moving["rule"]["streaming"][1], 1e-3);
        assert_eq!(moving["true_rate"]["times_nominal"], serde_json::json!([1.0, 3.0]));
        assert_eq!(moving["true_rate"]["rollouts"], 10_000);
        let flags = moving["flags"].as_array().unwrap();
        assert!(flags.len() > 60, "{how}: {}", flags.len());
        let of_hacks =
            flags.iter().filter(|f| f["row"].as_u64().is_some_and(|r| r >= 4000 && r % 20 == 7)).count();
        assert!(of_hacks * 5 >= flags.len() * 4, "{how}: {of_hacks} of {}", flags.len());
        for flag in flags {
            assert!(flag["score"].as_f64() > flag["threshold"].as_f64());
            assert!(flag["would_not_flag_below"].as_f64().unwrap() <= flag["threshold"].as_f64().unwrap());
        }
    }
}

#[test]
fn feature_columns_are_read_by_name_and_prefix() {
    let mut csv = "step,reward,act_0,act_1,kl\n".to_owned();
    for i in 0..200 {
        csv += &format!("{},{},1,2,3\n", i / 100, (f64::from(i) * 0.618_034).fract());
    }
    let (_folder, path) = file("a.csv", csv);
    let run = |features: &str| {
        outcome(tailcatch().args(["detect", "-d", "robust_z", "--features", features]).arg(&path))
    };
    assert_eq!(run("act_*,kl").0, 0);
    let (code, _, stderr) = run("act_2");
    assert_eq!(code, 2);
    assert!(
        stderr.contains("there is no column `act_2`") && stderr.contains("did you mean `act_"),
        "{stderr}"
    );
    assert!(run("akt_*").2.contains("there is no column `akt_*`"));
}

#[test]
fn a_detector_that_looks_at_single_rows_may_be_given_them_alone() {
    let log = tailcatch::record::read_log(&[fixture("verl")], &Default::default()).unwrap().rollouts.observed;
    let mut found = 0;
    for part in tailcatch::detectors::DetectorSpec::PARTS {
        let text = format!("{{\"{}\": {{}}}}", part.name);
        let spec: tailcatch::detectors::DetectorSpec = serde_json::from_str(&text).unwrap();
        if !spec.part().row_wise() {
            continue;
        }
        let scorer = || {
            let mut rng = tailcatch::foundation::rng::SeedTree::new(1, 0)
                .stream(tailcatch::foundation::rng::Purpose::Detector, 0);
            match spec.part().fit(&log, &mut rng) {
                tailcatch::detectors::Fitted::Ready(scorer) => Some(scorer),
                tailcatch::detectors::Fitted::Refused(_) => None,
            }
        };
        let Some(mut whole) = scorer() else { continue };
        let all = whole.score(&log).unwrap();
        let mut single = scorer().unwrap();
        for row in (0..log.len()).rev() {
            let alone = single.score(&log.select(&[row])).unwrap();
            assert_eq!(alone.values()[0], all.values()[row], "{} {row}", part.name);
            assert_eq!(alone.p_values().map(|p| p[0]), all.p_values().map(|p| p[row]), "{}", part.name);
        }
        found += 1;
    }
    assert!(found >= 4, "{found}");
}

#[test]
fn the_same_log_gives_the_same_bytes() {
    let run = || {
        outcome(tailcatch().args(["detect", "--json", "-d", "random", "-d", "robust_z"]).arg(fixture("verl")))
            .1
    };
    assert_eq!(run(), run());
}

#[test]
fn faulty_flags_exit_2_with_a_remedy() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&["-d", "gpd_tial"], "there is no detector `gpd_tial`", "did you mean `gpd_tail`?"),
        (&["-d", "gpd_tail:tail=.1"], "unknown field `tail`", "name:key=value"),
        (&["-d", "gpd_tail:tail_fraction=2"], "2 is not a number strictly between 0 and 1", "key=value"),
        (&["-d", "rank_mean:members=robust_z+gpd"], "unknown variant `gpd`", "key=value"),
        (&["--reward", "scor"], "there is no column `scor`", "did you mean `score`?"),
        (&["--reward", "score=x"], "the weight `x` is not a finite number", "--reward score"),
        (&["--calibrate-steps", "90..99"], "no rollout lies in steps 90..99", "from 2 to 29"),
        (&["--calibrate-steps", "9..3"], "holds no step", "--help"),
        (&["--budget", "1e-9"], "less than one audit", "larger fraction"),
        (&["--budget", "1.5"], "a count of 1 or more", "--help"),
        (&["--alert-rate", "0"], "strictly between 0 and 1", "--help"),
        (&["--fdr", ".1", "--budget", "3"], "cannot be used with", "--help"),
        (&["--calibrate", "nope.csv"], "nope.csv: no such file", "check the path"),
        (&["--calibrate-window", "9"], "no step has 9 steps that ended 0 before it", "the log has 4 steps"),
        (&["--calibrate-window", "0"], "not a number of steps", "--help"),
        (&["--calibrate-window", "2", "--calibrate-steps", "0..3"], "cannot be used with", "--help"),
        (&["--streaming", "spot"], "starts from reference rollouts", "--calibrate-steps"),
        (&["--features", "scor"], "there is no column `scor`", "did you mean `score`?"),
    ];
    for (flags, message, help) in cases {
        let (code, stdout, stderr) = outcome(tailcatch().arg("detect").arg(fixture("verl")).args(*flags));
        assert_eq!((code, stdout.as_str()), (2, ""), "{flags:?}");
        assert!(stderr.contains(message) && stderr.contains(help), "{flags:?}: {stderr}");
    }
    let (code, _, stderr) =
        outcome(tailcatch().args(["detect", "--group-by", "prompt"]).arg(fixture("danish.csv")));
    assert_eq!(code, 2);
    assert!(stderr.contains("the log has no prompt column"), "{stderr}");
}

#[test]
fn ranks_that_cannot_tell_a_rate_apart_are_a_status() {
    let flags = ["-d", "top_reward", "--calibrate-steps", "0..11", "--alert-rate", "1e-3"];
    let answer = json(tailcatch().arg("detect").arg(fixture("verl")).args(flags), 0);
    let status = &answer["statuses"]["top_reward"];
    assert_eq!(status["status"], "resolution");
    assert_eq!(
        status["reason"],
        "resolution: 128 calibration rows cannot tell rates below 1/129 apart, 999 needed"
    );
}

/// Log-normal rewards: 20 of 20,000 are promised, and a normal p-value would give a hundred times as many.
#[test]
fn ranks_keep_the_rate_where_the_reference_can_tell_it_and_else_its_worth_is_said() {
    let mut rng = SeedTree::new(4, 0).stream(Purpose::Bootstrap, 0);
    let mut csv = "step,reward\n".to_owned();
    for row in 0..20_000 {
        let normal = (0..12).map(|_| rng.open_unit()).sum::<f64>() - 6.0;
        csv.push_str(&format!("{},{}\n", row / 200, normal.exp()));
    }
    let (_folder, path) = file("honest.csv", csv);
    let run =
        |flags: &[&str]| json(tailcatch().arg("detect").arg(&path).args(["-d", "robust_z"]).args(flags), 0);
    let by_rank = run(&["--calibrate-steps", "0..20"]);
    // Of 20,000 exchangeable ones 20, with a deviation of about 9: ten in 4,000 of the reference decide.
    let flags = by_rank["statuses"]["robust_z"]["flags"].as_u64().unwrap();
    assert!((4..=55).contains(&flags), "{flags}");
    assert!(by_rank["statuses"]["robust_z"]["rate_on_reference"].is_null());
    // 800 rollouts cannot tell a rate of .001: the p-values are normal ones, and that is said.
    let normal = run(&["--calibrate-steps", "0..4"]);
    assert!(normal["statuses"]["robust_z"]["rate_on_reference"].as_f64().unwrap() > 0.03, "{normal}");
    let text = |steps: &str| {
        let (_, stdout, _) = outcome(tailcatch().arg("detect").arg(&path).args([
            "-d",
            "robust_z",
            "--calibrate-steps",
            steps,
        ]));
        stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(text("0..20").contains("about 20.0 false alarms a detector"), "{}", text("0..20"));
    let said = text("0..4");
    assert!(!said.contains("false alarms") && said.contains("its p-values are normal ones"), "{said}");
}

/// Windows of four steps, one of which is constant over its length: `gpd_tail` cannot learn from it, and judges the others.
#[test]
fn one_bad_window_silences_no_run() {
    let mut csv = "step,reward\n".to_owned();
    for row in 0..12_000u32 {
        let step = row / 200;
        let reward = if (20..24).contains(&step) {
            1.0
        } else {
            -(f64::from((row + 1).reverse_bits()) / 2f64.powi(32)).ln()
        };
        csv.push_str(&format!("{step},{reward}\n"));
    }
    let (_folder, path) = file("log.csv", csv);
    let run = || {
        let mut command = tailcatch();
        command.arg("detect").arg(&path).args(["-d", "gpd_tail", "--calibrate-window", "4"]);
        command
    };
    let status = json(&mut run(), 0)["statuses"]["gpd_tail"].clone();
    assert_eq!((&status["status"], &status["steps_left_out"]), (&"ok".into(), &1.into()), "{status}");
    assert_eq!(status["judged"], 11_000);
    assert!(status["reason_left_out"].as_str().unwrap().contains("equal"), "{status}");
    let (_, stdout, _) = outcome(&mut run());
    assert!(stdout.contains("11,000 rollouts judged, 1 step"), "{stdout}");
}

#[test]
fn the_page_and_the_sheet_hold_the_list_and_nothing_runs_in_them() {
    let mut csv = "step,prompt,completion,reward\n".to_owned();
    for row in 0..3200u32 {
        let u = f64::from((row + 1).reverse_bits()) / 2f64.powi(32);
        let (text, reward) = match row {
            2000 | 2400 | 2900 => ("=HYPERLINK(\"\"x\"\") <script>alert(1)</script>", 20.0 + u),
            _ => ("plain", u),
        };
        csv.push_str(&format!("{},p{},\"{text} {row}\",{reward}\n", row / 32, row % 4));
    }
    let (folder, path) = file("log.csv", csv);
    let (html, sheet) = (folder.path().join("page.html"), folder.path().join("list.csv"));
    let mut command = tailcatch();
    command.arg("detect").arg(&path).args(["-c", "reward"]).arg("--html").arg(&html).arg("--csv").arg(&sheet);
    let answer = json(&mut command, 0);
    let list = answer["reading_list"].as_array().unwrap();
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(
        page.contains("<h1>flagged: ")
            && page.contains("<svg")
            && page.contains("Blue: the median of each step"),
        "{page}"
    );
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    assert_eq!(page.matches("<article").count(), list.len());
    assert_eq!(page.matches("<circle").count(), list.len());
    for outside in ["src=", "href=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let bytes = std::fs::read(&sheet).unwrap();
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), list.len());
    assert!(rows.iter().any(|row| row[12].starts_with("'=HYPERLINK")), "{rows:?}");
    assert!(
        rows.iter().flat_map(|row| row.iter()).all(|cell| !cell.starts_with(['=', '+', '@', '\t', '\r']))
    );
    let (code, _, stderr) =
        outcome(tailcatch().arg("detect").arg(&path).args(["-c", "reward", "--html", "/nowhere/a.html"]));
    assert!(code == 1 && stderr.contains("/nowhere/a.html"), "{stderr}");
}

/// Of passes and failures the median of a step is one of both: the page draws how many pass.
#[test]
fn the_page_of_few_valued_rewards_draws_their_mean() {
    let mut csv = "step,prompt,completion,reward\n".to_owned();
    for row in 0..1280u32 {
        let passes = u32::from(row % 16 < 4 + row / 320);
        csv.push_str(&format!("{},p{},text {row},{passes}\n", row / 32, row % 4));
    }
    let (folder, path) = file("log.csv", csv);
    let html = folder.path().join("page.html");
    outcome(tailcatch().arg("detect").arg(&path).arg("--html").arg(&html));
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(page.contains("Blue: the mean of each step"), "{page}");
    let line = page.split("class=\"centre\" points=\"").nth(1).unwrap().split('"').next().unwrap();
    let heights: Vec<f64> =
        line.split_whitespace().map(|xy| xy.split(',').nth(1).unwrap().parse().unwrap()).collect();
    // From a quarter to 7 of 16: a seventh of the height between 0 and 1 at least.
    assert!(heights.len() == 40 && heights[0] - heights[39] > 40.0, "{heights:?}");
}
