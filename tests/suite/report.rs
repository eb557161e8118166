//! The report: complete, self-contained, and deaf to what hostile names try to say.

use crate::synthetic_run;
use std::fs;
use tailcatch::plots::figures::draw_narrow;
use tailcatch::plots::{Wanted, draw_all, theme};
use tailcatch::record::folder::{FIGURES, NARROW, PLAN, RunFolder};
use tailcatch::record::tables::SummaryRow;
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
    assert!(page.contains(theme::dark_css(":is(text, g)").trim_end()));
    // A font that is escaped does not load.
    let font = page.split("data:font/ttf;base64,").nth(1).unwrap().split(')').next().unwrap();
    assert!(font.len() > 30_000 && !font.contains('&'), "{}", &font[..80]);
}

/// Two trainers without a response, and with one at once and after twenty steps; the shares of damaged runs by arm.
fn with_delays(damaged: [f64; 6]) -> RunFolder {
    let values = ["none", "remove(delay=0)", "remove(delay=20)"];
    let arms =
        ["reinforce", "grpo"].iter().flat_map(|trainer| values.iter().map(|value| vec![*trainer, *value]));
    let shape = synthetic_run::Shape {
        keys: &["trainer", "audit.response"],
        arms: arms.collect(),
        steps: 12,
        replicates: 6,
        question: "How late may a response come?",
    };
    let dir = tempfile::tempdir().unwrap();
    synthetic_run::make(dir.path(), &shape);
    let mut run = RunFolder::open(dir.path()).unwrap();
    for row in &mut run.replicates {
        row.response = if row.arm % 3 == 0 { "none" } else { "remove" }.into();
        row.delay = if row.arm % 3 == 2 { 20 } else { 0 };
    }
    run.summary.retain(|row| row.metric != "damaged");
    for (arm, share) in damaged.into_iter().enumerate() {
        run.summary.push(SummaryRow {
            arm,
            metric: "damaged".into(),
            estimate: Some(share),
            ci_low: Some((share - 0.1).max(0.0)),
            ci_high: Some((share + 0.1).min(1.0)),
            replicates: 6,
            method: "wilson".into(),
        });
    }
    run
}

#[test]
fn of_several_delays_the_headline_tells_the_latest_that_protects_under_each_trainer() {
    let run = with_delays([1.0, 0.0, 0.25, 1.0, 0.15, 0.5]);
    assert_eq!(
        report::headline(&run),
        "The latest response (remove) that leaves certainly fewer than half of the runs damaged comes after 20 steps under reinforce (25% [15, 35] \
         damaged), 0 steps under grpo (15% [5, 25] damaged)."
    );
    // A late response that seems to protect where an earlier one does not is none.
    let run = with_delays([1.0, 0.9, 0.0, 1.0, 0.15, 0.5]);
    assert!(report::headline(&run).contains("no delay that was tried under reinforce, 0 steps under grpo"));
}

#[test]
fn a_question_of_utility_is_answered_by_utility() {
    let dir = tempfile::tempdir().unwrap();
    synthetic_run::make(dir.path(), &synthetic_run::coefficients());
    let mut run = RunFolder::open(dir.path()).unwrap();
    run.plan.question = "Does a stronger penalty protect true utility?".into();
    assert!(report::headline(&run).contains("Final utility E[V] is"), "{}", report::headline(&run));
    run.plan.question = "Is a hack caught?".into();
    assert!(!report::headline(&run).contains("Final utility E[V] is"), "{}", report::headline(&run));
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
fn a_question_of_utility_over_many_settings_is_answered_for_each_kind_at_the_end_of_the_others() {
    let dir = tempfile::tempdir().unwrap();
    synthetic_run::make(dir.path(), &synthetic_run::tail_index());
    let run = RunFolder::open(dir.path()).unwrap();
    let told = report::headline(&run);
    assert!(
        told.starts_with("At kl budget 1, final utility E[V] is ") && !told.contains("over 10 arms"),
        "{told}"
    );
    let utility = |arm: usize| run.metric(arm, "utility").unwrap().estimate.unwrap();
    // Arm 1 is the normal law at the largest budget, arm 9 Student's t with 2 degrees of freedom.
    for (arm, name) in [(1, "normal"), (9, "student_t")] {
        let number = report::tables::arms(&run).unwrap().rows[arm][1].split(' ').next().unwrap().to_owned();
        assert!(told.contains(&number) && told.contains(name), "{told}: {} is {number}", utility(arm));
    }
    assert_eq!(told.matches(" (").count(), 5, "{told}");
}

#[test]
fn the_figure_that_decides_has_a_narrow_one_for_narrow_screens() {
    let dir = tempfile::tempdir().unwrap();
    synthetic_run::make(dir.path(), &synthetic_run::quickstart());
    let run = RunFolder::open(dir.path()).unwrap();
    let figures = dir.path().join(FIGURES);
    let drawn = draw_all(&run, &figures, &Wanted::default()).unwrap();
    let narrow = |page: &str| page.matches("<div class=\"picture narrow\"><svg width=\"234pt\"").count();
    assert_eq!(narrow(&report::html(&run).unwrap()), 0);
    let first = &drawn.files[0].info.name;
    draw_narrow(&run, &figures, first).unwrap();
    let page = report::html(&run).unwrap();
    assert_eq!((narrow(&page), page.matches("<svg").count()), (1, 12));
    // Its numbers are those of the wide one beside it.
    let picture =
        page.split("<div class=\"picture narrow\">").nth(1).unwrap().split("</svg>").next().unwrap();
    assert!(!picture.contains("data-v"));
    // What was tampered with is not shown, and what is drawn no more is not there.
    let path = figures.join(NARROW).join(format!("{first}.svg"));
    let svg = fs::read_to_string(&path).unwrap();
    fs::write(&path, svg.replace("</svg>", "<script>1</script></svg>")).unwrap();
    assert_eq!(narrow(&report::html(&run).unwrap()), 0);
    fs::rename(&path, figures.join(NARROW).join("responses.svg")).unwrap();
    draw_narrow(&run, &figures, "responses").unwrap();
    assert!(!figures.join(NARROW).join("responses.svg").exists(), "an old picture stays");
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
