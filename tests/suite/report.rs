//! The report: complete, self-contained, and deaf to what hostile names try to say.

use crate::synthetic_run;
use std::fs;
use tailcatch::plots::{Wanted, draw_all, theme};
use tailcatch::record::folder::{FIGURES, PLAN, RunFolder};
use tailcatch::report;

#[test]
fn a_report_holds_findings_figures_and_how_to_reproduce_and_needs_no_network() {
    let dir = tempfile::tempdir().unwrap();
    synthetic_run::make(dir.path(), &synthetic_run::quickstart());
    let run = RunFolder::open(dir.path()).unwrap();
    draw_all(&run, &dir.path().join(FIGURES), &Wanted::default()).unwrap();
    let out = dir.path().join("report.html");
    report::write(&run, &out).unwrap();
    let page = fs::read_to_string(&out).unwrap();
    assert!(!page.contains("http") && !page.contains("src=\"//"), "an address in the report");
    assert!(!page.contains("NaN"));
    assert!(page.contains("<h1><bdi>Is a rare exploit caught before it does damage?</bdi></h1>"));
    assert_eq!(page.matches("<svg").count(), 11);
    for expected in [
        "records by robust_z confirms a hack before the damage in",
        "with 30 looks a run, 28 of them at honest rollouts",
        "avx2,fma",
        "4f1c0de9a7",
        "needs advantage",
        "degenerate: no mitigation was on",
        "outcomes = 10000",
        "sweep (insufficient: 1 arms, 2 needed)",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(page.contains(&report::headline(&run)));
    assert_eq!(page, report::html(&run).unwrap());
    // The figures' colours on a dark screen are those of their own theme.
    assert!(page.contains(theme::dark_css().trim_end()));
    // A font that is escaped does not load.
    let font = page.split("data:font/ttf;base64,").nth(1).unwrap().split(')').next().unwrap();
    assert!(font.len() > 30_000 && !font.contains('&'), "{}", &font[..80]);
}

#[test]
fn hostile_names_are_inert() {
    const EVIL: &str = "<script>alert(1)</script>";
    let dir = tempfile::tempdir().unwrap();
    synthetic_run::make(dir.path(), &synthetic_run::quickstart());
    let replace = |file: &str, from: &str, to: &str| {
        let path = dir.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}");
        fs::write(path, text.replace(from, to)).unwrap();
    };
    replace(PLAN, "Is a rare exploit caught before it does damage?", EVIL);
    replace(PLAN, "\"label\": \"base\"", &format!("\"label\": \"{EVIL}\""));
    replace("detectors.csv", "robust_z", EVIL);
    replace("summary.csv", "robust_z", EVIL);
    replace("replicates.csv", "never_caught", EVIL);
    replace("config.toml", "[environment.bandit]", EVIL);
    let run = RunFolder::open(dir.path()).unwrap();
    draw_all(&run, &dir.path().join(FIGURES), &Wanted::default()).unwrap();
    let page = report::html(&run).unwrap();
    assert_eq!(page.matches("<script").count(), 1, "markup went through");
    assert!(page.contains("&lt;script&gt;"));
    let svg = dir.path().join(FIGURES).join("catch_rate.svg");
    let drawn = fs::read_to_string(&svg).unwrap();
    assert!(drawn.contains("&lt;script&gt;") && !drawn.contains("<script"));
    // A picture that was tampered with is not shown, and says so.
    fs::write(&svg, drawn.replace("</svg>", "<script>alert(1)</script></svg>")).unwrap();
    let page = report::html(&run).unwrap();
    assert!(page.matches("<script").count() == 1 && page.contains("it is not shown"));
}

#[test]
fn a_folder_without_runs_says_so() {
    let dir = tempfile::tempdir().unwrap();
    synthetic_run::make(dir.path(), &synthetic_run::quickstart());
    for file in
        ["replicates.csv", "summary.csv", "steps.csv", "detectors.csv", "manifest.json", "config.toml"]
    {
        fs::remove_file(dir.path().join(file)).unwrap();
    }
    let run = RunFolder::open(dir.path()).unwrap();
    assert!(report::html(&run).unwrap().contains("No run has finished yet"));
    assert_eq!(report::headline(&run), "No run has finished yet, so nothing was found.");
}
