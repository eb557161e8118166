//! Figures: the same bytes twice, the CSV is what is drawn, nothing that is no number, and a status where there are no data.

use crate::audit_figures::texts;
use crate::synthetic_run::{self, Shape};
use std::fs;
use std::path::Path;
use tailcatch::plots::figures::build_all;
use tailcatch::plots::gallery::{Exhibit, gallery};
use tailcatch::plots::output::{self, Format, Look};
use tailcatch::plots::scene::Mark;
use tailcatch::plots::sheet::Size;
use tailcatch::plots::{Drawn, Wanted, draw_all};
use tailcatch::record::folder::{FIGURES, PLAN, RunFolder};
use tailcatch::record::metric::{FRONTIER_RATIO, GAIN};
use tailcatch::record::tables::{AGREES, BOUND, CheckRow, DIFFERS, SummaryRow};
use tempfile::TempDir;

fn made(shape: &Shape) -> (TempDir, RunFolder) {
    let dir = tempfile::tempdir().unwrap();
    synthetic_run::make(dir.path(), shape);
    let run = RunFolder::open(dir.path()).unwrap();
    (dir, run)
}

fn names(drawn: &Drawn) -> Vec<&str> {
    drawn.files.iter().map(|file| file.info.name.as_str()).collect()
}

#[test]
fn every_figure_is_drawn_where_its_data_are() {
    let (dir, run) = made(&synthetic_run::quickstart());
    let drawn = draw_all(&run, &dir.path().join(FIGURES), &Wanted::default()).unwrap();
    assert_eq!(
        names(&drawn),
        [
            "over_optimisation",
            "training",
            "timing",
            "benign_looks",
            "catch_rate",
            "scores_top_reward",
            "scores_log_ratio",
            "precision_recall",
            "survival",
            "hill",
            "kl_estimators",
        ]
    );
    assert_eq!(drawn.left_out.len(), 1);
    assert_eq!(drawn.left_out[0].name, "sweep");
    let (dir, run) = made(&synthetic_run::tail_index());
    let drawn = draw_all(&run, &dir.path().join(FIGURES), &Wanted::default()).unwrap();
    assert_eq!(names(&drawn), ["sweep", "over_optimisation", "survival", "hill"]);
    let stored = run.figures().unwrap();
    assert_eq!((stored.drawn.len(), stored.left_out.len()), (4, 7));
    let (dir, run) = made(&synthetic_run::coefficients());
    let drawn = draw_all(&run, &dir.path().join(FIGURES), &Wanted::default()).unwrap();
    let expected = [
        "sweep",
        "over_optimisation",
        "training_0",
        "training_1",
        "training_2",
        "timing",
        "benign_looks",
        "catch_rate",
        "scores_top_reward",
        "scores_log_ratio",
        "precision_recall",
        "survival",
        "hill",
        "kl_estimators",
    ];
    assert_eq!(names(&drawn), expected);
}

#[test]
fn figures_are_the_same_bytes_twice() {
    let (dir, run) = made(&synthetic_run::quickstart());
    let all = Wanted { formats: Format::ALL.to_vec(), ..Wanted::default() };
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let drawn = draw_all(&run, &one, &all).unwrap();
    draw_all(&run, &two, &all).unwrap();
    for file in &drawn.files {
        assert_eq!(file.pictures.len(), 3);
        for path in file.pictures.iter().chain([&file.csv]) {
            let other = two.join(path.file_name().unwrap());
            assert!(fs::read(path).unwrap() == fs::read(other).unwrap(), "{}", path.display());
        }
    }
}

const SIZES: [Size; 4] = [Size::Column, Size::Two, Size::Slide, Size::Page];

/// Forty arms with long names in two keys, one of them a number.
fn many() -> Shape {
    let names: Vec<String> =
        (0..8).map(|i| format!("\"a_rather_long_name_of_setting_{i}(with=brackets)\"")).collect();
    let names: Vec<&'static str> = names.into_iter().map(|name| &*name.leak()).collect();
    let arms =
        ["0", "0.01", "0.1", "1", "10"].iter().flat_map(|kl| names.iter().map(|name| vec![*kl, *name]));
    Shape {
        keys: &["trainer.reinforce.kl.coefficient", "reward.shape"],
        arms: arms.collect(),
        steps: 12,
        replicates: 4,
        question: "What do forty arms do?",
    }
}

fn shapes() -> [Shape; 4] {
    [synthetic_run::quickstart(), synthetic_run::tail_index(), synthetic_run::coefficients(), many()]
}

/// The numbers of a picture, as its marks carry them.
fn carried(svg: &str) -> Vec<(String, String)> {
    svg.split("data-v=\"")
        .skip(1)
        .flat_map(|rest| {
            let (numbers, rest) = rest.split_once('"').unwrap();
            let name = rest.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0.to_owned();
            numbers.split(';').map(move |one| (name.clone(), one.to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_number_of_a_picture_stands_in_its_csv_and_lines_hold_all_of_theirs() {
    for shape in shapes() {
        let (_dir, run) = made(&shape);
        for figure in build_all(&run, Size::Page).unwrap().0 {
            let csv = figure.csv().unwrap();
            let mut reader = csv::Reader::from_reader(csv.as_slice());
            let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            assert_eq!(
                rows.len(),
                figure.series.iter().map(|s| s.points.len()).sum::<usize>(),
                "{}",
                figure.name
            );
            let written: std::collections::BTreeSet<(String, String)> =
                rows.iter().map(|row| (row[2].to_owned(), row[3].to_owned())).collect();
            let svg = output::bytes(&figure.scene, Format::Svg, Look::default(), "", "").unwrap();
            let carried = carried(std::str::from_utf8(&svg).unwrap());
            assert!(!carried.is_empty() || figure.name == "agreement", "{} carries no numbers", figure.name);
            for (name, numbers) in &carried {
                let mut parts = numbers.split(' ').map(str::to_owned);
                let place = (parts.next().unwrap(), parts.next().unwrap());
                assert!(
                    written.contains(&place),
                    "{}: {name} carries {place:?}, which its CSV lacks",
                    figure.name
                );
            }
            // Lines of many points carry them all.
            for series in figure.series.iter().filter(|s| s.points.len() > 20 && s.panel != "events") {
                // What is equal is drawn once, under all names.
                let is_own = |name: &str| name.split(" = ").any(|own| own == series.name);
                let drawn = carried.iter().filter(|(name, _)| is_own(name)).count();
                assert!(
                    drawn >= series.points.len()
                        || series.name.contains(": fit ")
                        || series.panel.ends_with("runs")
                        || run.plan.arms.len() > 6,
                    "{}: {drawn} of {} points of {}",
                    figure.name,
                    series.points.len(),
                    series.name
                );
            }
        }
    }
}

/// Where the marks of a picture stand gives their values back, by two of them as the ruler.
#[test]
fn heights_in_a_picture_are_the_numbers_of_the_csv() {
    let (_dir, run) = made(&synthetic_run::coefficients());
    let (figures, _) = build_all(&run, Size::Column).unwrap();
    let sweep = figures.iter().find(|f| f.name == "sweep").unwrap();
    let own: Vec<(f64, f64)> = sweep
        .scene
        .data
        .iter()
        .filter(|data| data.points.len() == 1 && data.points[0].low.is_some())
        .filter_map(|data| match &sweep.scene.marks[data.mark] {
            Mark::Dot { at, .. } => Some((at.1, data.points[0].y)),
            _ => None,
        })
        .take(3)
        .collect();
    let [a, b, c] = own[..] else { panic!("{own:?}") };
    let slope = (b.1 - a.1) / (b.0 - a.0);
    let read = a.1 + slope * (c.0 - a.0);
    assert!((read - c.1).abs() < 0.02 * (a.1 - b.1).abs().max((c.1 - b.1).abs()), "{read} {own:?}");
}

#[test]
fn no_picture_holds_what_is_no_number_and_every_mark_lies_on_the_page() {
    for (shape, size) in shapes().iter().flat_map(|shape| SIZES.map(|size| (shape, size))) {
        let (_dir, run) = made(shape);
        for figure in build_all(&run, size).unwrap().0 {
            let svg =
                output::bytes(&figure.scene, Format::Svg, Look::default(), &figure.title, &figure.caption);
            let svg = String::from_utf8(svg.unwrap()).unwrap();
            assert!(well_formed(&svg), "{}", figure.name);
            let csv = String::from_utf8(figure.csv().unwrap()).unwrap();
            for text in [&svg, &csv] {
                assert!(!text.contains("NaN") && !text.contains("inf,"), "{}", figure.name);
            }
            let (width, height) = (figure.scene.width, figure.scene.height);
            let inside =
                |(x, y): (f64, f64)| (-0.5..=width + 0.5).contains(&x) && (-0.5..=height + 0.5).contains(&y);
            for mark in &figure.scene.marks {
                let on_page = match mark {
                    Mark::Line { points, .. } | Mark::Area { points, .. } => {
                        points.iter().all(|p| inside(*p))
                    }
                    Mark::Dot { at, .. } | Mark::Text { at, .. } => inside(*at),
                };
                assert!(on_page, "{} {size:?}: {mark:?}", figure.name);
                if let Mark::Text { text, size: letters, .. } = mark {
                    let points = letters * size.unit();
                    assert!(points >= 7.0, "{} {size:?}: `{text}` has {points} pt", figure.name);
                    assert!(!text.contains('…'), "{} {size:?}: `{text}` is cut", figure.name);
                }
            }
        }
    }
}

#[test]
fn every_run_of_a_sweep_is_drawn() {
    for shape in [synthetic_run::tail_index(), synthetic_run::coefficients()] {
        let (_dir, run) = made(&shape);
        let (figures, _) = build_all(&run, Size::Page).unwrap();
        let sweep = figures.iter().find(|f| f.name == "sweep").unwrap();
        let runs = sweep.series.iter().filter(|s| s.panel.ends_with("runs"));
        let all: usize = runs.map(|s| s.points.len()).sum();
        let drawn = sweep.scene.data.iter().filter(|data| data.name.ends_with("(run)")).count();
        assert!(all > 0 && drawn == all, "{drawn} of {all} runs are drawn");
    }
}

#[test]
fn small_multiples_in_a_column_are_printed_on_one_page() {
    let kinds = [
        "timing",
        "benign_looks",
        "catch_rate",
        "scores",
        "precision_recall",
        "survival",
        "hill",
        "kl_estimators",
    ];
    for shape in shapes() {
        let (_dir, run) = made(&shape);
        for figure in build_all(&run, Size::Column).unwrap().0 {
            let inches = figure.scene.height * Size::Column.unit() / 72.0;
            let is_multiple = kinds.iter().any(|kind| figure.name.starts_with(kind));
            assert!(!is_multiple || inches <= 9.5, "{} is {inches} in tall", figure.name);
        }
    }
}

#[test]
fn of_many_arms_the_one_that_the_title_tells_of_is_drawn_with_its_name() {
    let (_dir, mut run) = made(&many());
    for row in &mut run.replicates {
        row.damage_step = (row.arm == 23 || row.replicate == 0).then_some(6);
    }
    let label = run.label(23);
    let (figures, _) = build_all(&run, Size::Page).unwrap();
    for name in ["timing", "training"] {
        let figure = figures.iter().find(|f| f.name == name).unwrap();
        assert!(figure.title.ends_with(&format!("({label})")), "{}", figure.title);
        let texts = texts(figure);
        // A name may stand in several lines, which are drawn from above or from below.
        let is_written = [texts.concat(), texts.iter().rev().copied().collect::<String>()]
            .iter()
            .any(|text| text.replace(' ', "").contains(&label.replace(' ', "")));
        assert!(is_written, "{name}: {label} in {texts:?}");
    }
    let training = figures.iter().find(|f| f.name == "training").unwrap();
    let other = run.label(0);
    assert!(
        training.series.iter().any(|s| s.panel == format!("{other}: utility")),
        "the CSV lacks other arms"
    );
}

/// Whether every tag that is opened is closed, in order.
fn well_formed(svg: &str) -> bool {
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
        match tag.strip_prefix('/') {
            Some(name) if open.pop() != Some(name) => return false,
            Some(_) => {}
            None if tag.ends_with('/') => {}
            None => open.push(tag.split_whitespace().next().unwrap_or("")),
        }
    }
    open.is_empty()
}

#[test]
fn labels_do_not_cover_each_other_at_any_size() {
    for (shape, size) in shapes().iter().flat_map(|shape| SIZES.map(|size| (shape, size))) {
        let (_dir, run) = made(shape);
        for figure in build_all(&run, size).unwrap().0 {
            let mut boxes: Vec<(f64, f64, f64, f64, &str)> = Vec::new();
            for mark in &figure.scene.marks {
                let Mark::Text { at, text, size: letters, bold, align, .. } = mark else { continue };
                let width = tailcatch::plots::scene::text_width(text, *letters, *bold);
                let left = match align {
                    tailcatch::plots::scene::Align::Left => at.0,
                    tailcatch::plots::scene::Align::Centre => at.0 - width / 2.0,
                    tailcatch::plots::scene::Align::Right => at.0 - width,
                };
                // From the baseline to the height of a capital.
                let new = (left, at.1 - 0.72 * letters, left + width, at.1, text.as_str());
                assert!(
                    new.2 <= figure.scene.width + 1.0 && new.0 >= 0.0,
                    "{} {size:?}: `{text}` leaves the page",
                    figure.name
                );
                for dot in &figure.scene.marks {
                    let Mark::Dot { at, radius, .. } = dot else { continue };
                    let apart = at.0 + radius <= new.0
                        || new.2 <= at.0 - radius
                        || at.1 + radius <= new.1
                        || new.3 <= at.1 - radius;
                    assert!(apart, "{} {size:?}: a mark covers `{text}`", figure.name);
                }
                for old in &boxes {
                    let apart = new.2 <= old.0 || old.2 <= new.0 || new.3 <= old.1 || old.3 <= new.1;
                    assert!(apart, "{} {size:?}: `{text}` covers `{}`", figure.name, old.4);
                }
                boxes.push(new);
            }
        }
    }
}

/// Many readers load no font that lies in a picture, and another is wider: what was laid out for one must be drawn without.
#[test]
fn pictures_look_the_same_without_a_font() {
    let visible = |line: &&str| line.starts_with("<text") && !line.contains(" opacity=\"0\"");
    for (shape, size) in shapes().iter().flat_map(|shape| SIZES.map(|size| (shape, size))) {
        let (_dir, run) = made(shape);
        for figure in build_all(&run, size).unwrap().0 {
            let look = Look { size, ..Look::default() };
            let svg = output::bytes(&figure.scene, Format::Svg, look, "", "").unwrap();
            let svg = String::from_utf8(svg).unwrap();
            assert_eq!(svg.lines().find(visible), None, "{} {size:?}", figure.name);
            let letters: usize =
                texts(&figure).iter().map(|text| text.chars().filter(|c| !c.is_whitespace()).count()).sum();
            assert_eq!(svg.matches("<use").count(), letters, "{} {size:?}", figure.name);
        }
    }
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("plots");
    for entry in fs::read_dir(kept).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for path in fs::read_dir(entry).unwrap().map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|e| e == "svg") {
                let svg = fs::read_to_string(&path).unwrap();
                assert_eq!(svg.lines().find(visible), None, "{}", path.display());
            }
        }
    }
}

/// Data at the edge of what can be drawn give a status or a figure, never a panic.
#[test]
fn degenerate_tables_give_a_status() {
    let (dir, _) = made(&synthetic_run::quickstart());
    let rewrite = |file: &str, edit: &dyn Fn(usize, &str) -> String| {
        let path = dir.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<String> =
            text.lines().enumerate().map(|(i, line)| edit(i, line)).filter(|l| !l.is_empty()).collect();
        fs::write(path, lines.join("\n") + "\n").unwrap();
    };
    let header_only = |i: usize, line: &str| if i == 0 { line.to_owned() } else { String::new() };
    // One row, all values infinite or equal.
    rewrite("hill.csv", &|i, line| if i == 1 { "0,10,inf,,".into() } else { header_only(i, line) });
    rewrite("survival.csv", &|i, line| {
        if i == 1 { "0,reference,-3,1,".into() } else { header_only(i, line) }
    });
    rewrite("steps.csv", &header_only);
    rewrite("observed.csv", &header_only);
    rewrite("summary.csv", &|i, line| {
        if i == 1 {
            "0,catch_rate[x@0.1],,,,0,\"insufficient: 0 runs, 1 needed\"".into()
        } else {
            header_only(i, line)
        }
    });
    rewrite("replicates.csv", &|i, line| if i < 2 { line.to_owned() } else { String::new() });
    let run = RunFolder::open(dir.path()).unwrap();
    let (figures, left_out) = build_all(&run, Size::Page).unwrap();
    // A single run still gives one point of utility against KL.
    assert_eq!(figures.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["over_optimisation"]);
    assert_eq!(left_out.len(), 10);
    assert!(left_out.iter().all(|l| !l.status.is_empty()));
    rewrite("replicates.csv", &header_only);
    let (figures, left_out) = build_all(&RunFolder::open(dir.path()).unwrap(), Size::Page).unwrap();
    assert_eq!((figures.len(), left_out.len()), (0, 11));
    let plan = fs::read_to_string(dir.path().join(PLAN)).unwrap();
    let start = plan.find("\"arms\": [").unwrap();
    fs::write(dir.path().join(PLAN), plan[..start].to_owned() + "\"arms\": [], \"runs\": []}").unwrap();
    assert_eq!(build_all(&RunFolder::open(dir.path()).unwrap(), Size::Page).unwrap().1.len(), 11);
}

#[test]
fn the_gallery_shows_every_figure_beside_its_data() {
    let (_dir, run) = made(&synthetic_run::tail_index());
    let out = tempfile::tempdir().unwrap();
    let exhibits = [Exhibit { name: "tail_index", run: &run, finding: "At *two*.".into() }];
    let index = gallery(&exhibits, out.path()).unwrap();
    let page = fs::read_to_string(index).unwrap();
    assert!(
        page.contains("## At which tail index does utility stop rising?") && page.contains("At \\*two\\*.")
    );
    assert!(page.contains("for a width of 6.5 in") && page.contains("--size column"), "{page}");
    for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(out.path().join(Path::new(link)).is_file(), "{link}");
    }
    assert_eq!(page.matches(".png)").count(), 4);
}

/// What lies in a folder, in bytes.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { size(&path) } else { fs::metadata(path).unwrap().len() }).sum()
}

#[test]
fn the_kept_gallery_is_small_and_its_pictures_leave_the_numbers_to_their_csv() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("plots");
    let bytes = size(&kept);
    assert!(bytes <= 15_000_000, "plots/ holds {bytes} bytes; `tailcatch gallery` writes it anew");
    for name in ["quickstart", "tail_index", "kl_penalty", "sightings"] {
        for entry in fs::read_dir(kept.join(name)).unwrap().map(|entry| entry.unwrap().path()) {
            let is_svg = entry.extension().is_some_and(|e| e == "svg");
            assert!(
                !is_svg || !fs::read_to_string(&entry).unwrap().contains("data-v"),
                "{}",
                entry.display()
            );
        }
    }
}

/// A comparison whose difference is `z` standard errors.
fn compared(arm: usize, z: f64) -> CheckRow {
    CheckRow {
        arm: Some(arm),
        metric: GAIN.to_owned(),
        found: Some(1.0 + 0.1 * z),
        found_error: Some(0.1),
        expected: Some(1.0),
        expected_error: Some(0.0),
        allowed: Some(0.3),
        verdict: if z.abs() <= 3.0 { AGREES } else { DIFFERS }.to_owned(),
        replicates: 20,
        source: "elsewhere".to_owned(),
        method: String::new(),
    }
}

#[test]
fn agreement_shows_what_is_furthest_from_it() {
    let (_dir, mut run) = made(&synthetic_run::quickstart());
    run.checks = (0..60).map(|i| compared(0, f64::from(i) * 0.07)).collect();
    run.checks.push(CheckRow { source: BOUND.to_owned(), ..compared(0, 9.0) });
    let (figures, _) = build_all(&run, Size::Page).unwrap();
    let figure = figures.iter().find(|f| f.name == "agreement").unwrap();
    let drawn: Vec<f64> = figure.series.iter().map(|s| s.points[0].y).collect();
    assert_eq!(drawn.len(), 48);
    assert!((drawn[0] - 12.0 * 0.07).abs() < 1e-9 && (drawn[47] - 59.0 * 0.07).abs() < 1e-9, "{drawn:?}");
    assert!(figure.caption.contains("Of 60 comparisons the 48 furthest"), "{}", figure.caption);
    // What is exact on both sides has no standard errors to be drawn in, and is a ring at 0.
    run.checks = vec![CheckRow { found_error: Some(1e-17), found: Some(1.0 + 1e-16), ..compared(0, 0.0) }];
    let (figures, _) = build_all(&run, Size::Page).unwrap();
    assert_eq!(figures.iter().find(|f| f.name == "agreement").unwrap().series[0].points[0].y, 0.0);
}

#[test]
fn the_collapse_is_drawn_where_its_order_is_expected() {
    let (_dir, mut run) = made(&synthetic_run::tail_index());
    assert!(!build_all(&run, Size::Page).unwrap().0.iter().any(|f| f.name == "collapse"));
    for arm in 0..run.plan.arms.len() {
        for (metric, estimate) in [(FRONTIER_RATIO, 0.5 + arm as f64), (GAIN, 1.0 / (1.0 + arm as f64))] {
            run.summary.retain(|row| row.arm != arm || row.metric != metric);
            run.summary.push(SummaryRow {
                arm,
                metric: metric.to_owned(),
                estimate: Some(estimate),
                ci_low: None,
                ci_high: None,
                replicates: 20,
                method: String::new(),
            });
        }
    }
    run.checks = vec![CheckRow { source: format!("ordered by {FRONTIER_RATIO}"), ..compared(0, 0.0) }];
    let (figures, _) = build_all(&run, Size::Page).unwrap();
    let collapse = figures.iter().find(|f| f.name == "collapse").unwrap();
    let points: usize = collapse.series.iter().map(|s| s.points.len()).sum();
    assert_eq!(points, run.plan.arms.len());
}
