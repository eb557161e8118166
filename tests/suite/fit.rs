//! `fit` and `compare`: what they say of folders and files whose truth is known.

use crate::cli::{file, json, outcome, tailcatch};
use crate::synthetic_run;
use std::fs;

/// A file of checkpoints on R(d) = d(1.2 − .5 d) over four runs whose start differs.
fn checkpoints() -> String {
    let mut text = "seed,kl,gold\n".to_owned();
    for seed in 0..6 {
        for i in 0..20 {
            let d = f64::from(i) * 0.12;
            let start = f64::from(seed);
            text += &format!("{seed},{},{}\n", d * d, start + d * (1.2 - 0.5 * d));
        }
    }
    text
}

#[test]
fn a_file_of_checkpoints_gives_its_curve_back() {
    let (_folder, path) = file("run.csv", checkpoints());
    let found = json(tailcatch().arg("fit").arg(&path).args(["--utility", "gold", "--run", "seed"]), 0);
    let best = &found["fits"][0];
    let at = |key: &str| best[key].as_f64().unwrap();
    assert_eq!((best["series"].as_str(), best["form"].as_str()), (Some("run"), Some("d(α − β·d)")));
    assert!((at("alpha") - 1.2).abs() < 1e-9 && (at("beta") - 0.5).abs() < 1e-9, "{best}");
    assert!((at("peak_kl") - 1.44).abs() < 1e-9 && (at("r_squared") - 1.0).abs() < 1e-9, "{best}");
    assert!((best["alpha_interval"][0].as_f64().unwrap() - 1.2).abs() < 1e-9, "{best}");
    assert_eq!((best["runs"].as_u64(), best["extrapolated"].as_bool()), (Some(6), Some(false)));
    assert!((at("largest_kl") - 2.28f64.powi(2)).abs() < 1e-9, "{best}");
    assert_eq!(found["fits"].as_array().unwrap().len(), 2);
    assert_eq!(best["peak_status"].as_str(), Some("ok"));
    // Where the data end before the peak, none is told.
    let is_early =
        |line: &&str| line.split(',').nth(1).and_then(|kl| kl.parse().ok()).is_none_or(|kl: f64| kl < 1.0);
    let early: Vec<String> = checkpoints().lines().filter(is_early).map(str::to_owned).collect();
    let (_folder, path) = file("run.csv", early.join("\n") + "\n");
    let found = json(tailcatch().arg("fit").arg(&path).args(["--utility", "gold", "--run", "seed"]), 0);
    let best = &found["fits"][0];
    assert!(best["peak_kl"].is_null() && best["extrapolated"].as_bool() == Some(true), "{best}");
    assert_eq!(best["peak_status"].as_str(), Some("none within the data"));
}

#[test]
fn what_cannot_be_fitted_is_refused_with_what_to_do() {
    let (_folder, path) = file("run.csv", "kl,utility\n0,0\n1,1\n2,1.5\n");
    let (code, _, stderr) = outcome(tailcatch().arg("fit").arg(&path));
    assert!(code == 2 && stderr.contains("run.csv") && stderr.contains("fewer than 5"), "{stderr}");
    let (_folder, path) = file("run.csv", "kl,utility\n0,0\n-1,1\n");
    let (code, _, stderr) = outcome(tailcatch().arg("fit").arg(&path));
    assert!(code == 2 && stderr.contains("row 1") && stderr.contains("never negative"), "{stderr}");
    let (_folder, path) = file("run.csv", "step,utility\n0,0\n");
    let (code, _, stderr) = outcome(tailcatch().arg("fit").arg(&path));
    assert!(code == 2 && stderr.contains("no column `kl`"), "{stderr}");
}

#[test]
fn a_run_folder_is_fitted_for_each_arm() {
    let dir = tempfile::tempdir().unwrap();
    synthetic_run::make(dir.path(), &synthetic_run::coefficients());
    let found = json(tailcatch().arg("fit").arg(dir.path()), 0);
    let fits = found["fits"].as_array().unwrap();
    assert_eq!(fits.len(), 6, "{found}");
    assert!(
        fits.iter().all(|fit| fit["r_squared"].as_f64().unwrap() <= 1.0 && fit["runs"].as_u64() == Some(8))
    );
}

#[test]
fn runs_are_compared_pair_by_pair() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for dir in [&one, &two] {
        synthetic_run::make(dir.path(), &synthetic_run::coefficients());
    }
    // Every utility of the second is higher by a quarter: paired, that is exact.
    let path = two.path().join("replicates.csv");
    let text = fs::read_to_string(&path).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let column = header.iter().position(|name| name == "utility").unwrap();
    let mut writer = csv::Writer::from_path(&path).unwrap();
    writer.write_record(&header).unwrap();
    for row in reader.records().map(Result::unwrap) {
        let cells = row.iter().enumerate().map(|(i, cell)| match (i == column, cell.parse::<f64>()) {
            (true, Ok(value)) => (value + 0.25).to_string(),
            _ => cell.to_owned(),
        });
        writer.write_record(cells).unwrap();
    }
    writer.flush().unwrap();
    let found = json(tailcatch().arg("compare").args([one.path(), two.path()]), 0);
    let differences = found["comparisons"][0]["differences"].as_array().unwrap();
    let utility: Vec<_> = differences.iter().filter(|d| d["metric"] == "utility").collect();
    assert_eq!(utility.len(), 3);
    for one in utility {
        for key in ["difference", "ci_low", "ci_high"] {
            assert!((one[key].as_f64().unwrap() - 0.25).abs() < 1e-9, "{one}");
        }
        assert_eq!((one["pairs"].as_u64(), one["status"].as_str()), (Some(8), Some("ok")));
    }
    let proxy = differences.iter().find(|d| d["metric"] == "proxy").unwrap();
    assert_eq!(proxy["difference"].as_f64(), Some(0.0));
    // With another seed replicates are no pairs.
    let plan = two.path().join("plan.json");
    let text = fs::read_to_string(&plan).unwrap();
    let at = text.find("\"seed\":").unwrap();
    let end = at + text[at..].find(',').unwrap();
    fs::write(&plan, format!("{}\"seed\": 987654321{}", &text[..at], &text[end..])).unwrap();
    let found = json(tailcatch().arg("compare").args([one.path(), two.path()]), 0);
    let first = &found["comparisons"][0]["differences"][0];
    assert!(
        first["ci_low"].is_null() && first["status"].as_str().unwrap().starts_with("not paired"),
        "{first}"
    );
    // Other arms have nothing to compare.
    synthetic_run::make(two.path(), &synthetic_run::quickstart());
    let (code, _, stderr) = outcome(tailcatch().arg("compare").args([one.path(), two.path()]));
    assert!(code == 2 && stderr.contains("no finished run of an arm in common"), "{stderr}");
}

#[test]
fn a_failure_is_a_document_under_json() {
    let found = json(tailcatch().args(["diagnose", "there_is_no_such_file.csv"]), 2);
    let error = &found["error"];
    assert!(error["message"].as_str().unwrap().contains("there_is_no_such_file.csv"), "{found}");
    assert_eq!(error["exit_code"].as_u64(), Some(2));
    let found = json(tailcatch().arg("fit"), 2);
    assert!(found["error"]["message"].as_str().unwrap().contains("<PATH>"), "{found}");
    let found = json(tailcatch().args(["detect", "x.csv", "--detecter", "a"]), 2);
    assert!(found["error"]["message"].as_str().unwrap().contains("--detecter"), "{found}");
    assert!(found["error"]["help"].as_str().unwrap().contains("--detector"), "{found}");
}

/// What a terminal shows beside a fault of a config, a program is told too.
#[cfg(feature = "lab")]
#[test]
fn a_config_that_is_refused_is_a_document_with_its_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.toml");
    std::fs::write(&path, "question = \"?\"\nreplicatess = 3\n").unwrap();
    let found = json(tailcatch().arg("check").arg(&path), 2);
    let help = found["error"]["help"].as_str().unwrap_or_default();
    assert!(help.contains("did you mean `replicates`?") && help.contains("the keys here are"), "{found}");
    let found = json(tailcatch().args(["run", "no.toml"]), 2);
    assert!(found["error"]["help"].as_str().unwrap().contains("tailcatch init"), "{found}");
}

/// Each command stands in the page of help once, with an example that begins as it is called.
#[cfg(feature = "lab")]
#[test]
fn help_names_every_command_with_an_example() {
    use clap::CommandFactory;
    let (_, page, _) = outcome(tailcatch().arg("--help"));
    for command in tailcatch::cli::Cli::command().get_subcommands().map(clap::Command::get_name) {
        let line = |start: String| page.lines().filter(|line| line.trim_start().starts_with(&start)).count();
        assert_eq!(line(format!("{command} ")), 1, "{command}: {page}");
        assert!(line(format!("tailcatch {command}")) >= 1, "{command} has no example");
    }
    // A flag that an example names is one of its command.
    for line in page.lines().map(str::trim_start).filter(|line| line.starts_with("tailcatch ")) {
        let mut words = line.split(' ').skip(1);
        let name = words.next().unwrap();
        let root = tailcatch::cli::Cli::command();
        let Some(command) = root.find_subcommand(name) else { continue };
        let known = |flag: &str| {
            let nested = command.get_subcommands().flat_map(clap::Command::get_arguments);
            command.get_arguments().chain(nested).any(|a| a.get_long() == Some(flag))
        };
        for flag in words.filter_map(|word| word.strip_prefix("--")) {
            assert!(known(flag) || ["json", "quiet"].contains(&flag), "{line}: --{flag}");
        }
    }
}

#[test]
fn figures_are_drawn_in_the_size_and_format_that_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    synthetic_run::make(dir.path(), &synthetic_run::coefficients());
    let plot = |arguments: &[&str]| outcome(tailcatch().arg("plot").arg(dir.path()).args(arguments));
    let (code, out, stderr) =
        plot(&["--size", "column", "--format", "pdf", "--theme", "print", "--only", "training"]);
    assert_eq!(code, 0, "{stderr}");
    let written: Vec<&str> = out.lines().collect();
    assert_eq!(written.len(), 3, "{out}");
    for path in written {
        assert!(path.ends_with(".pdf") && path.contains("column-print"), "{path}");
        let pdf = fs::read(path).unwrap();
        assert!(String::from_utf8_lossy(&pdf).contains("/MediaBox [0 0 234 "), "{path}");
    }
    // The report's own figures and their index are not touched.
    assert!(!dir.path().join("figures/figures.json").exists());
    let (code, _, stderr) = plot(&["--only", "nothing_like_it"]);
    assert!(code == 2 && stderr.contains("nothing_like_it") && stderr.contains("sweep"), "{stderr}");
    let (code, _, stderr) = plot(&["--label", "no alias"]);
    assert!(code == 2 && stderr.contains("pattern=alias"), "{stderr}");
    let (code, _, stderr) = plot(&["--only", "sweep", "--label", "zzz=1"]);
    assert!(code == 2 && stderr.contains("`zzz` stands in no name"), "{stderr}");
    let (code, out, stderr) = plot(&["--only", "sweep", "--format", "svg", "--label", "β=b"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(fs::read_to_string(out.trim()).unwrap().contains("<svg"));
}
