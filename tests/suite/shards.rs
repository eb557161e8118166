//! An experiment run in parts: the tables are those of one machine, and what is lacking is told.

use crate::bound::{Place, TINY, contents, records_with};
use crate::cli::{json, outcome};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Two arms of eight runs, with twins, a deployment and several detectors.
const SWEEP: &str = r#"
question   = "A small sweep?"
seed       = 3
replicates = 4
environment = { bandit = { outcomes = 60 } }
trainer = { reinforce = { batch = 8, steps = 6, optimizer = { sgd = { learning_rate = 1.0 } } } }
calibration = { rollouts = 100 }
[reward]
error = { student_t = { df = 3 } }
swap_twin = true
[[detectors]]
robust_z = {}
[[detectors]]
random = {}
[record]
observed = "first"
[sweep]
"trainer.reinforce.kl.coefficient" = [0.1, 0.5]
"#;

/// Every table of a run folder.
fn tables(out: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<(String, Vec<u8>)> = fs::read_dir(out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "csv"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

/// An error that was broken at the terminal's width.
fn in_one_line(error: &str) -> String {
    error.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn tables_of_shards_are_those_of_one_machine_in_any_order() {
    let place = Place::new(SWEEP);
    place.done("run tiny.toml --out whole");
    let whole = tables(&place.path("whole"));
    assert!(whole.len() >= 10);
    for (shards, threads) in [(1, 2), (4, 1), (4, 2), (16, 1), (16, 2)] {
        for reversed in [false, true] {
            let mut order: Vec<usize> = (0..shards).collect();
            if reversed {
                order.reverse();
            }
            // One folder for all, or one for each.
            let shared = format!("s{shards}-{threads}-{reversed}");
            let mut folders = Vec::new();
            for shard in order {
                let out = if reversed { format!("{shared}/{shard}") } else { shared.clone() };
                let told =
                    place.done(&format!("run tiny.toml --out {out} --shard {shard}/{shards} -t {threads}"));
                assert!(shards == 1 || told.contains("tailcatch merge"), "{told}");
                folders.push(out);
            }
            folders.dedup();
            let out = format!("merged-{shared}");
            place.done(&format!("merge {} --out {out}", folders.join(" ")));
            assert!(whole == tables(&place.path(&out)), "{shards} shards, {threads} threads, {reversed}");
            assert!(place.path(&out).join("report.html").exists());
        }
    }
}

#[test]
fn what_is_missing_is_told_and_run_by_its_identity() {
    let place = Place::new(SWEEP);
    place.done("run tiny.toml --out whole");
    place.done("run tiny.toml --out out --shard 0/2");
    let told = json(&mut place.command("status out --ids missing.txt"), 75);
    assert_eq!((&told["runs"], &told["finished"], &told["tables"]), (&8.into(), &4.into(), &"none".into()));
    let missing = told["missing"].as_array().unwrap();
    assert_eq!(missing.len(), 4);
    assert_eq!(missing[0]["reason"], "nothing of it is there");
    let ids = fs::read_to_string(place.path("missing.txt")).unwrap();
    let named: Vec<&str> = missing.iter().map(|run| run["train_id"].as_str().unwrap()).collect();
    assert_eq!(ids.lines().collect::<Vec<_>>(), named);
    // Nothing is merged, and nothing written.
    let before = contents(&place.path("out"));
    let (code, _, stderr) = place.call("merge out");
    assert!(
        code == 1
            && in_one_line(&stderr).contains("4 of 8 runs are not there")
            && in_one_line(&stderr).contains(named[0]),
        "{stderr}"
    );
    let (code, _, _) = place.call("status out");
    assert_eq!(code, 75);
    let dry = place.done("run tiny.toml --out out --ids missing.txt --dry-run");
    assert!(dry.contains("4 of 8 runs are asked for") && dry.contains("4 would be made"), "{dry}");
    assert!(before == contents(&place.path("out")));
    // The gap is told in what is made of the rest.
    let (code, _, stderr) = place.call("merge out --allow-partial --out part");
    assert!(
        code == 0 && in_one_line(&stderr).contains("4 of 8 runs are not in the tables"),
        "{code} {stderr}"
    );
    let page = fs::read_to_string(place.path("part/report.html")).unwrap();
    assert!(page.contains("4 of 8 runs finished") && page.contains("Runs that are not in these tables"));
    let made: Value = serde_json::from_slice(&fs::read(place.path("part/tables.json")).unwrap()).unwrap();
    assert_eq!(made["missing"].as_array().unwrap().len(), 4);
    assert!(tables(&place.path("part")) != tables(&place.path("whole")));
    // What was missing is run, in two parts, and nothing else.
    for shard in ["0/2", "1/2"] {
        let told = json(
            &mut place.command(&format!("run tiny.toml --out out --ids missing.txt --shard {shard}")),
            0,
        );
        assert_eq!((&told["runs"], &told["reused"]), (&2.into(), &0.into()));
    }
    assert_eq!(place.call("status out").0, 0);
    place.done("merge out");
    assert!(tables(&place.path("out")) == tables(&place.path("whole")));
    let (code, stdout, _) = place.call("status out");
    assert!(code == 0 && stdout.contains("tables: whole"), "{stdout}");
}

#[test]
fn damaged_foreign_and_contradictory_records_are_told_apart() {
    let place = Place::new(SWEEP);
    place.done("run tiny.toml --out out");
    let out = place.path("out");
    let judged = records_with(&out, "detectors.csv");
    let own = fs::read(&judged[0]).unwrap();
    fs::write(&judged[0], &own[..own.len() / 2]).unwrap();
    let told = json(&mut place.command("status out"), 75);
    assert_eq!(told["damaged"].as_array().unwrap().len(), 1);
    let (code, _, stderr) = place.call("merge out");
    assert!(code == 1 && in_one_line(&stderr).contains("is damaged"), "{code} {stderr}");
    fs::copy(&judged[1], &judged[0]).unwrap();
    let told = json(&mut place.command("status out"), 1);
    assert!(told["problems"][0].as_str().unwrap().contains("another run"), "{told}");
    for call in ["merge out", "merge out --allow-partial"] {
        let (code, _, stderr) = place.call(call);
        assert!(code == 1 && in_one_line(&stderr).contains("another run"), "{call}: {code} {stderr}");
    }
    fs::write(&judged[0], &own).unwrap();
    place.done("merge out");
    // Another result for the same run.
    place.done("run tiny.toml --out other");
    let id = judged[0].file_stem().unwrap().to_str().unwrap();
    let store = tailcatch::experiment::store::Store::open(&place.path("other/records")).unwrap();
    let mut record = store.read(id).unwrap().unwrap();
    record.push("more", Vec::new());
    store.replace(id, &record).unwrap();
    let (code, _, stderr) = place.call("merge out other --out both --allow-mixed");
    assert!(
        code == 1 && in_one_line(&stderr).contains("different results for the same run"),
        "{code} {stderr}"
    );
    assert!(!place.path("both").exists());
}

#[test]
fn folders_of_other_experiments_and_of_other_configs_are_refused() {
    let place = Place::new(TINY);
    place.done("run tiny.toml --out a");
    place.done("run tiny.toml --out b --set seed=8");
    let (code, _, stderr) = place.call("merge a b --out c");
    assert!(code == 2 && in_one_line(&stderr).contains("different experiments"), "{code} {stderr}");
    let (code, _, stderr) = place.call("status none");
    assert!(code == 2 && in_one_line(&stderr).contains("not a run folder"), "{code} {stderr}");
    let config = fs::read_to_string(place.path("a/config.toml")).unwrap();
    fs::write(place.path("a/config.toml"), config.replace("seed = 7", "seed = 9")).unwrap();
    for call in ["status a", "merge a"] {
        let (code, _, stderr) = place.call(call);
        assert!(code == 2 && in_one_line(&stderr).contains("gives another plan"), "{call}: {code} {stderr}");
    }
    fs::write(place.path("ids"), "nobody\n").unwrap();
    let (code, _, stderr) = place.call("run tiny.toml --out b --set seed=8 --ids ids");
    assert!(code == 2 && in_one_line(&stderr).contains("`nobody`"), "{code} {stderr}");
    for shard in ["4/4", "1", "-1/2"] {
        let (code, _, stderr) = outcome(place.command("run tiny.toml").arg(format!("--shard={shard}")));
        assert!(code == 2 && in_one_line(&stderr).contains("I/N"), "{shard}: {code} {stderr}");
    }
}

#[test]
fn records_of_two_binaries_are_merged_only_when_it_is_asked_for() {
    let place = Place::new(TINY);
    place.done("run tiny.toml --out a --shard 0/2");
    let other = place.path("other");
    fs::copy(env!("CARGO_BIN_EXE_tailcatch"), &other).unwrap();
    let mut bytes = fs::read(&other).unwrap();
    bytes.push(b'x');
    fs::write(&other, bytes).unwrap();
    let mut command = std::process::Command::new(&other);
    command.current_dir(place.folder.path()).args(["run", "tiny.toml", "--out", "b", "--shard", "1/2"]);
    assert_eq!(outcome(&mut command).0, 0);
    let (code, _, stderr) = place.call("merge a b --out c");
    assert!(code == 2 && in_one_line(&stderr).contains("--allow-mixed"), "{code} {stderr}");
    assert!(!place.path("c").exists());
    place.done("merge a b --out c --allow-mixed");
    // Two shards of one folder, each by its own binary: neither sees the other's part, the whole does.
    place.done("run tiny.toml --out one --shard 0/2");
    let mut command = std::process::Command::new(&other);
    command.current_dir(place.folder.path()).args(["run", "tiny.toml", "--out", "one", "--shard", "1/2"]);
    assert_eq!(outcome(&mut command).0, 0);
    let (code, _, stderr) = place.call("run tiny.toml --out one");
    assert!(code == 2 && in_one_line(&stderr).contains("--allow-mixed"), "{code} {stderr}");
    assert!(!place.path("one/summary.csv").exists());
}

/// The errors of the second arm are beyond the numbers.
#[test]
fn an_arm_that_fails_takes_no_other_down_and_the_report_says_why() {
    let config = TINY
        .replace("error = { student_t = { df = 3 } }, standardize = \"iqr\"", "standardize = \"none\"")
        + "[sweep]\n\"reward.error\" = [{ student_t = { df = 3 } }, { student_t = { df = 0.003 } }]\n";
    let place = Place::new(&config);
    let (code, _, stderr) = place.call("run tiny.toml --out out");
    assert_eq!(code, 1, "{stderr}");
    assert!(in_one_line(&stderr).contains("2 of 4 runs failed"), "{stderr}");
    let page = fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(page.contains("2 of 4 runs finished") && page.contains("Runs that are not in these tables"));
    let rows = fs::read_to_string(place.path("out/replicates.csv")).unwrap();
    assert_eq!(rows.lines().count(), 3);
    let made: Value = serde_json::from_slice(&fs::read(place.path("out/tables.json")).unwrap()).unwrap();
    let missing = made["missing"].as_array().unwrap();
    assert!(missing.len() == 2 && missing.iter().all(|run| run["arm"] == 1), "{made}");
    let reason = missing[0]["reason"].as_str().unwrap();
    assert!(page.contains(&reason[..20]), "{reason}");
    // With --fail-fast it ends there.
    let (code, _, _) = place.call("run tiny.toml --out fast --fail-fast");
    assert_eq!(code, 1);
    assert!(!place.path("fast/report.html").exists());
}

/// What a run folder keeps of a config gives the same plan again.
#[test]
fn the_config_of_a_folder_gives_its_plan() {
    use tailcatch::config::{from_bytes, load, resolved};
    use tailcatch::experiment::plan;
    use tailcatch::policies::Backend;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let mut checked = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let first = load(&path, &["replicates=2".to_owned()]).unwrap();
        let text = resolved(&first.document).unwrap();
        let again =
            from_bytes("config.toml", text.as_bytes(), &[]).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let plans = [&first, &again].map(|loaded| plan(loaded, &Backend::default()).unwrap());
        assert!(plans[0] == plans[1], "{path:?}");
        let labels = |loaded: &tailcatch::config::Loaded| {
            loaded.arms.iter().map(|arm| (arm.values.clone(), arm.names.clone())).collect::<Vec<_>>()
        };
        assert_eq!(labels(&first), labels(&again), "{path:?}");
        checked += 1;
    }
    assert!(checked > 5, "{checked}");
}

#[test]
fn many_runs_keep_their_records_in_segments_and_lose_none() {
    // Nothing but what tables need: a damage anywhere costs a run.
    let config = TINY.replace("replicates = 2", "replicates = 2100") + "[record]\nobserved = \"none\"\n";
    let place = Place::new(&config);
    let part = "run tiny.toml --out out --shard 0/700";
    place.done(part);
    let of = |kind: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(place.path("out/records")).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|own| own == kind)).collect()
    };
    assert_eq!((of("segment").len(), of("index").len(), of("record").len()), (1, 1, 0));
    let status = || json(&mut place.command("status out"), 75);
    assert_eq!(status()["finished"], 3);
    let before = contents(&place.path("out"));
    place.done(part);
    assert!(before == contents(&place.path("out")), "what is finished was made again");
    place.done("merge out --allow-partial --out whole");
    // A flipped bit costs one run, is told, and is made good.
    let segment = of("segment").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 8;
    fs::write(&segment, bytes).unwrap();
    let name = segment.file_name().unwrap().to_str().unwrap();
    let told = status();
    let (code, _, stderr) = place.call("merge out");
    assert!(code == 1 && in_one_line(&stderr).contains(name), "{stderr}");
    assert!(
        told["finished"] == 2 && told["damaged"][0].as_str().unwrap().ends_with(name),
        "{}",
        told["damaged"]
    );
    place.done(part);
    let told = status();
    assert!(told["finished"] == 3 && told["damaged"].as_array().unwrap().is_empty(), "{}", told["damaged"]);
    // An index is a hint.
    of("index").iter().for_each(|index| fs::remove_file(index).unwrap());
    assert_eq!(status()["finished"], 3);
    place.done("merge out --allow-partial --out mended");
    assert!(tables(&place.path("whole")) == tables(&place.path("mended")));
}
