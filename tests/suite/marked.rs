//! Tables are held against what they held when they were made, and whoever writes makes them anew.

use crate::bound::{Place, TINY, contents};
use crate::cli::{json, outcome};
use std::fs;
use std::process::Stdio;

const RECORDED: &str = "[record]\nobserved = \"all\"\n";

#[test]
fn a_table_that_is_not_as_it_was_written_is_told_and_made_anew() {
    let place = Place::new(&format!("{TINY}{RECORDED}"));
    place.done("run tiny.toml --out out");
    let out = place.path("out");
    assert!(place.done("status out").contains("tables: whole\n"));
    for table in ["replicates.csv", "summary.csv", "steps.csv", "observed.csv", "truth.csv"] {
        let path = out.join(table);
        let own = fs::read(&path).unwrap();
        let first_lines = own.len() / 2;
        let mut flipped = own.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for damaged in [&own[..first_lines], &flipped, b""] {
            fs::write(&path, damaged).unwrap();
            let told = json(&mut place.command("status out"), 75);
            assert_eq!((&told["tables"], &told["tables_damaged"][0]), (&"damaged".into(), &table.into()));
            let (_, stdout, _) = place.call("status out");
            assert!(stdout.contains(&format!("damaged or gone: {table}")), "{stdout}");
            if !["observed.csv", "truth.csv"].contains(&table) {
                for command in ["report out", "plot out", "gallery out --out gallery", "compare out out"] {
                    let (code, _, stderr) = place.call(command);
                    assert!(
                        code == 2 && stderr.contains(table) && stderr.contains("tailcatch merge out"),
                        "{command}, {table}: {code} {stderr}"
                    );
                }
            }
        }
        place.done("merge out");
        assert!(own == fs::read(&path).unwrap(), "{table}");
        fs::write(&path, b"").unwrap();
        place.done("run tiny.toml --out out");
        assert!(own == fs::read(&path).unwrap(), "{table}");
    }
}

#[test]
fn tables_of_single_rollouts_may_be_removed_and_others_may_not() {
    let place = Place::new(&format!("{TINY}{RECORDED}"));
    place.done("run tiny.toml --out out");
    let out = place.path("out");
    for table in ["observed.csv", "truth.csv"] {
        fs::remove_file(out.join(table)).unwrap();
    }
    assert!(place.done("status out").contains("tables: whole; observed.csv, truth.csv removed since"));
    let (code, _, stderr) = place.call("report out");
    assert!(code == 0 && stderr.contains("observed.csv, truth.csv is not there"), "{stderr}");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Removed from the folder since the tables were made: observed.csv, truth.csv"));
    fs::remove_file(out.join("summary.csv")).unwrap();
    for command in ["report out", "fit out"] {
        let (code, _, stderr) = place.call(command);
        assert!(code == 2 && stderr.contains("summary.csv is not there"), "{command}: {code} {stderr}");
    }
    assert_eq!(place.call("status out").0, 75);
    place.done("merge out");
    assert!(place.done("status out").contains("tables: whole\n"));
    // A folder of an earlier version does not say what its tables held, and is read as it is.
    let made = out.join("tables.json");
    let text = fs::read_to_string(&made).unwrap();
    let mut told: serde_json::Value = serde_json::from_str(&text).unwrap();
    told.as_object_mut().unwrap().remove("tables").unwrap();
    fs::write(&made, told.to_string()).unwrap();
    fs::remove_file(out.join("steps.csv")).unwrap();
    place.done("report out");
    assert!(place.done("status out").contains("tables: whole\n"));
    place.done("merge out");
    assert!(out.join("steps.csv").exists() && fs::read_to_string(&made).unwrap() == text);
}

#[test]
fn a_manifest_or_a_mark_that_cannot_be_read_is_made_anew() {
    let place = Place::new(TINY);
    place.done("run tiny.toml --out out");
    let out = place.path("out");
    let before = contents(&out);
    for file in ["manifest.json", "tables.json"] {
        for damaged in ["", "{\"of\": ", "[1]", "{}", "no JSON"] {
            for repair in ["run tiny.toml --out out", "merge out", "run tiny.toml --out out --shard 0/2"] {
                // Who merges has to know what the records were made with.
                if (file, repair) == ("manifest.json", "merge out")
                    || damaged.len() > 3 && repair != "merge out"
                {
                    continue;
                }
                fs::write(out.join(file), damaged).unwrap();
                let (code, _, stderr) = place.call("report out");
                assert!(code == 2 && stderr.contains(file), "{file}: {code} {stderr}");
                place.done(repair);
                if repair.contains("--shard") {
                    // A part makes no tables, so no mark.
                    place.done("merge out");
                }
                assert!(contents(&out) == before, "{file} {damaged} {repair}");
            }
        }
    }
}

/// One of two processes took the tables that the other was about to name for those of another experiment.
#[test]
fn two_processes_of_one_experiment_both_end_well() {
    let place = Place::new(TINY);
    for turn in 0..12 {
        let call = |threads| {
            let call = format!("run tiny.toml --out two{turn} --threads {threads}");
            place.command(&call).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        for child in [call(1), call(2)] {
            let ended = child.wait_with_output().unwrap();
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        }
    }
}

#[test]
fn a_gallery_writes_over_no_run_and_no_page_of_somebody_else() {
    let place = Place::new(TINY);
    place.done("run tiny.toml --out runs/mine");
    let taken = |call: &str, problem: &str| {
        let before = contents(place.folder.path());
        let (code, _, stderr) = place.call(call);
        assert!(code == 2 && stderr.contains(problem) && stderr.contains("--out"), "{call}: {code} {stderr}");
        assert!(contents(place.folder.path()) == before, "{call}");
    };
    taken("gallery runs/mine --out runs", "holds the results of an experiment");
    taken("gallery runs/mine --out runs/mine", "lies in the run folder");
    taken("gallery runs/mine --out runs/mine/figures/../x", "lies in the run folder");
    fs::write(place.path("runs/README.md"), "notes").unwrap();
    taken("gallery runs/mine --out runs", "is no index of a gallery");
    #[cfg(unix)]
    {
        fs::create_dir(place.path("linked")).unwrap();
        std::os::unix::fs::symlink(place.path("runs"), place.path("linked/all")).unwrap();
        taken("gallery runs/mine --out linked/all/mine/new", "lies in the run folder");
    }
    for _ in 0..2 {
        place.done("gallery runs/mine --out gallery");
    }
    assert!(place.path("gallery/mine").is_dir());
}

#[test]
fn a_verdict_and_a_benchmark_do_not_give_up_each_others_tables() {
    let place = Place::new(TINY);
    fs::create_dir(place.path("out")).unwrap();
    fs::write(place.path("out/verdict.csv"), "finished").unwrap();
    let (code, _, stderr) = place.call("bench --quick --out out");
    assert!(code == 2 && stderr.contains("holds another experiment"), "{code} {stderr}");
    assert_eq!(fs::read_to_string(place.path("out/verdict.csv")).unwrap(), "finished");
}

#[cfg(unix)]
#[test]
fn what_never_ends_is_no_configuration() {
    let place = Place::new(TINY);
    let (code, _, stderr) = place.call("check /dev/zero");
    assert!(code == 2 && stderr.contains("more than 4194304 bytes"), "{code} {stderr}");
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_told_is_a_failure() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for argument in ["--help", "--version"] {
        let status = crate::cli::tailcatch().arg(argument).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(1), "{argument}");
        assert_eq!(outcome(crate::cli::tailcatch().arg(argument)).0, 0);
    }
}
