//! A run folder holds one experiment: records are held to their name, tables to their plan, and a call that is refused changes
//! nothing.

use crate::cli::{outcome, tailcatch};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub const TINY: &str = r#"
question   = "A tiny question?"
seed       = 7
replicates = 2
environment = { bandit = { outcomes = 50 } }
reward = { error = { student_t = { df = 3 } }, standardize = "iqr" }
trainer = { reinforce = { batch = 8, steps = 5, optimizer = { sgd = { learning_rate = 1.0 } } } }
calibration = { rollouts = 100 }
[[detectors]]
robust_z = {}
"#;

/// A folder with a config in it, in which commands are given.
pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tiny.toml"), config).unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &str) -> Command {
        let mut command = tailcatch();
        command.current_dir(self.folder.path()).args(arguments.split_whitespace());
        command
    }

    /// Exit code, standard output and standard error.
    pub fn call(&self, arguments: &str) -> (i32, String, String) {
        outcome(&mut self.command(arguments))
    }

    pub fn done(&self, arguments: &str) -> String {
        let (code, stdout, stderr) = self.call(arguments);
        assert_eq!(code, 0, "{arguments}: {stderr}");
        stdout
    }
}

/// Every file below a folder with its bytes, links not followed.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap_or_default());
        }
    }
    found
}

/// Records of the kind that has this section.
pub fn records_with(out: &Path, section: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(out.join("records"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let record = tailcatch::experiment::store::Record::decode(&fs::read(path).unwrap());
            record.is_some_and(|record| record.section(section).is_some())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn a_record_of_another_run_is_refused_and_nothing_is_changed() {
    let place = Place::new(&format!("{TINY}[record]\nobserved = \"all\"\n"));
    place.done("run tiny.toml --out out");
    let out = place.path("out");
    for section in ["replicate.csv", "detectors.csv", "truth.csv"] {
        let mut of_kind = records_with(&out, section);
        // Twins of finished runs are not read.
        let runs = fs::read_to_string(out.join("plan.json")).unwrap();
        if section == "truth.csv" {
            of_kind.retain(|path| runs.contains(path.file_stem().unwrap().to_str().unwrap()));
        }
        let own = fs::read(&of_kind[1]).unwrap();
        fs::copy(&of_kind[0], &of_kind[1]).unwrap();
        let before = contents(&out);
        let (code, _, stderr) = place.call("run tiny.toml --out out");
        assert_eq!(code, 1, "{section}: {stderr}");
        let id = of_kind[0].file_stem().unwrap().to_str().unwrap();
        assert!(stderr.contains("another run") && stderr.contains(id), "{section}: {stderr}");
        assert!(before == contents(&out), "{section}");
        fs::write(&of_kind[1], own).unwrap();
    }
    place.done("run tiny.toml --out out");
}

#[test]
fn a_twin_of_another_run_is_refused_where_the_run_would_go_on_from_it() {
    let place = Place::new(&format!("{TINY}[record]\nobserved = \"all\"\n"));
    place.done("run tiny.toml --out out");
    let out = place.path("out");
    // Rollouts are kept of both runs and both twins; the judgements are lost.
    let trained = records_with(&out, "final.json");
    assert_eq!(trained.len(), 4);
    for judged in records_with(&out, "replicate.csv") {
        fs::remove_file(judged).unwrap();
    }
    for at in 0..trained.len() {
        let own = fs::read(&trained[at]).unwrap();
        fs::copy(&trained[(at + 1) % trained.len()], &trained[at]).unwrap();
        let before = contents(&out);
        let (code, _, stderr) = place.call("run tiny.toml --out out");
        assert!(code == 1 && stderr.contains("another run"), "{code} {stderr}");
        assert!(before == contents(&out));
        fs::write(&trained[at], own).unwrap();
    }
    place.done("run tiny.toml --out out");
}

#[test]
fn records_of_an_earlier_version_are_named_and_stay() {
    let place = Place::new(TINY);
    place.done("run tiny.toml --out out");
    let out = place.path("out");
    let path = &records_with(&out, "replicate.csv")[0];
    let mut bytes = b"tailcatch-record 1\nsection replicate.csv 2\n1\n\n".to_vec();
    let end = format!("end {}\n", blake3::hash(&bytes).to_hex());
    bytes.extend(end.as_bytes());
    fs::write(path, &bytes).unwrap();
    let before = contents(&out);
    let (code, _, stderr) = place.call("run tiny.toml --out out");
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("earlier version") && stderr.contains("move the folder"), "{stderr}");
    assert!(before == contents(&out));
}

#[test]
fn tables_of_another_plan_are_not_reported_as_this_ones() {
    let place = Place::new(TINY);
    place.done("run tiny.toml --out out");
    let out = place.path("out");
    let before = fs::read(out.join("replicates.csv")).unwrap();
    // Another experiment is begun there, and fails before it has tables.
    fs::create_dir(out.join("records/in_the_way")).unwrap();
    let other = ["--set", "question=\"Another?\"", "--set", "replicates=3"];
    let id = {
        let loaded = tailcatch::config::load(&place.path("tiny.toml"), &["replicates=3".to_owned()]).unwrap();
        let backend = tailcatch::policies::Backend::default();
        tailcatch::experiment::plan(&loaded, &backend).unwrap()[2].run_id
    };
    fs::rename(out.join("records/in_the_way"), out.join(format!("records/{id}.record"))).unwrap();
    let (code, _, stderr) = outcome(place.command("run tiny.toml --out out").args(other));
    assert_eq!(code, 1, "{stderr}");
    // It was refused before it began: the folder is as it was.
    assert!(place.call("report out").0 == 0);
    fs::remove_dir(out.join(format!("records/{id}.record"))).unwrap();
    let child = place
        .command("run tiny.toml --out out --set trainer.reinforce.steps=40000 --set replicates=40")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = || fs::read_to_string(out.join("config.toml")).unwrap().contains("steps = 40000");
    while !begun() {
        std::thread::yield_now();
    }
    let mut child = child;
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read(out.join("replicates.csv")).unwrap(), before);
    for command in ["report out", "plot out", "gallery out --out gallery", "fit out", "compare out out"] {
        let (code, _, stderr) = place.call(command);
        assert!(code == 2 && stderr.contains("not those of its plan.json"), "{command}: {code} {stderr}");
    }
    outcome(place.command("run tiny.toml --out out").args(other));
    assert!(place.done("report out").contains("report.html"));
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Another?") && page.contains("3 of 3 runs finished"));
}

#[test]
fn tables_that_a_plan_has_not_are_taken_away_with_its_tables() {
    let place = Place::new(TINY);
    let out = place.path("out");
    place.done("run tiny.toml --out out");
    fs::write(out.join("deployment.csv"), "of another plan").unwrap();
    fs::write(out.join("features.csv"), "of another plan").unwrap();
    place.done("run tiny.toml --out out --set replicates=1");
    assert!(!out.join("deployment.csv").exists() && !out.join("features.csv").exists());
}

/// What the system does not give is the machine's fault, and nobody's experiment is taken for another's by it.
#[test]
fn what_cannot_be_read_is_not_taken_for_another_experiment() {
    let place = Place::new(TINY);
    place.done("run tiny.toml --out out");
    let out = place.path("out");
    let before = contents(&out);
    for file in ["plan.json", "config.toml", "tables.json", "summary.csv"] {
        let (path, aside) = (out.join(file), place.path("aside"));
        fs::rename(&path, &aside).unwrap();
        // Reading a folder fails as a disk does that is broken.
        fs::create_dir(&path).unwrap();
        for call in ["status out", "report out", "merge out", "run tiny.toml --out out"] {
            let reads = match call.split(' ').next() {
                Some("report") => true,
                Some("run") => file != "summary.csv" && file != "tables.json",
                _ => file != "summary.csv",
            };
            if reads {
                let (code, _, stderr) = place.call(call);
                assert!(code == 1 && stderr.contains(file), "{call}, {file}: {code} {stderr}");
            }
        }
        fs::remove_dir(&path).unwrap();
        fs::rename(&aside, &path).unwrap();
        assert!(contents(&out) == before, "{file}");
    }
}

#[test]
fn two_experiments_share_no_folder_and_one_experiment_does() {
    let place = Place::new(TINY);
    let out = place.path("out");
    let long = "run tiny.toml --out out --set trainer.reinforce.steps=3000 --set replicates=6";
    let start = || place.command(long).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let first = start();
    while !out.join("manifest.json").exists() {
        std::thread::yield_now();
    }
    let (code, _, stderr) = place.call("run tiny.toml --out out");
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("another experiment is at work") && stderr.contains("--out"), "{stderr}");
    // The same experiment is let in.
    let second = start();
    for child in [first, second] {
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    assert!(fs::read_to_string(out.join("config.toml")).unwrap().contains("steps = 3000"));
    place.done(&long.replace("--out out", "--out alone"));
    for table in ["replicates.csv", "summary.csv", "steps.csv", "plan.json"] {
        assert!(
            fs::read(out.join(table)).unwrap() == fs::read(place.path("alone").join(table)).unwrap(),
            "{table}"
        );
    }
}

#[cfg(unix)]
#[test]
fn planted_links_are_replaced_and_linked_folders_are_left_alone() {
    use std::os::unix::fs::symlink;
    let place = Place::new(TINY);
    let (out, victim) = (place.path("out"), place.path("victim"));
    fs::write(&victim, "precious").unwrap();
    place.done("run tiny.toml --out out");
    let names = [
        "report.html",
        "plan.json",
        "summary.csv",
        "tables.json",
        "figures/figures.json",
        "figures/training.svg",
        ".lock",
        ".tables.lock",
    ];
    for name in names {
        fs::remove_file(out.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        symlink(&victim, out.join(name)).unwrap();
    }
    place.done("run tiny.toml --out out");
    for name in names {
        assert!(!out.join(name).is_symlink(), "{name}");
    }
    fs::remove_dir_all(out.join("figures")).unwrap();
    let elsewhere = place.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("training.svg"), "mine").unwrap();
    symlink(&elsewhere, out.join("figures")).unwrap();
    for command in ["run tiny.toml --out out", "plot out"] {
        let (code, _, stderr) = place.call(command);
        assert!(code == 1 && stderr.contains("symbolic link"), "{command}: {code} {stderr}");
    }
    assert_eq!(contents(&elsewhere).len(), 1);
    fs::rename(out.join("records"), place.path("kept")).unwrap();
    symlink(place.path("kept"), out.join("records")).unwrap();
    let (code, _, stderr) = place.call("run tiny.toml --out out");
    assert!(code == 1 && stderr.contains("records") && stderr.contains("symbolic link"), "{stderr}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_looked_at_is_not_taken_for_an_empty_one() {
    let place = Place::new(TINY);
    fs::create_dir(place.path("out")).unwrap();
    for name in ["scenarios.json", "replicates.csv"] {
        let path = place.path("out").join(name);
        std::os::unix::fs::symlink(&path, &path).unwrap();
        let (code, _, stderr) = place.call("run tiny.toml --out out");
        assert!(code == 1 && stderr.contains(name), "{name}: {code} {stderr}");
        fs::remove_file(path).unwrap();
    }
    place.done("run tiny.toml --out out");
    // Nor is a table that cannot be read one that a run has not.
    let before = contents(&place.path("out/figures"));
    for name in ["observed.csv", "figures"] {
        let path = place.path("out").join(name);
        fs::rename(&path, place.path("kept")).unwrap();
        std::os::unix::fs::symlink(&path, &path).unwrap();
        let (code, _, stderr) = place.call("report out");
        assert!(code == 1 && stderr.contains(name), "{name}: {code} {stderr}");
        fs::remove_file(&path).unwrap();
        fs::rename(place.path("kept"), &path).unwrap();
        assert!(contents(&place.path("out/figures")) == before, "{name}");
    }
}

#[test]
fn what_dead_processes_left_is_removed() {
    let place = Place::new(TINY);
    place.done("run tiny.toml --out out");
    let left: Vec<PathBuf> =
        ["", "records/", "figures/"].iter().map(|f| place.path(&format!("out/{f}.partial-abcdef"))).collect();
    for path in &left {
        fs::write(path, "half").unwrap();
        let days = std::time::Duration::from_secs(2 * 24 * 60 * 60);
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::SystemTime::now() - days).unwrap();
    }
    place.done("run tiny.toml --out out");
    assert!(left.iter().all(|path| !path.exists()));
}

#[test]
fn another_binary_goes_on_only_when_it_is_told_so() {
    let place = Place::new(TINY);
    place.done("run tiny.toml --out out --set replicates=1");
    let other = place.path("other");
    let mut bytes = fs::read(env!("CARGO_BIN_EXE_tailcatch")).unwrap();
    bytes.push(b'x');
    fs::copy(env!("CARGO_BIN_EXE_tailcatch"), &other).unwrap();
    fs::write(&other, bytes).unwrap();
    let call = |more: &[&str]| {
        let mut command = Command::new(&other);
        outcome(
            command.current_dir(place.folder.path()).args(["run", "tiny.toml", "--out", "out"]).args(more),
        )
    };
    // Nothing is to be made: the tables are written anew.
    let (code, _, stderr) = call(&["--set", "replicates=1"]);
    assert_eq!(code, 0, "{stderr}");
    let before = contents(&place.path("out"));
    let (code, _, stderr) = call(&[]);
    assert!(code == 2 && stderr.contains("--allow-mixed"), "{code} {stderr}");
    assert!(before == contents(&place.path("out")));
    let (code, _, stderr) = call(&["--allow-mixed"]);
    assert_eq!(code, 0, "{stderr}");
    let manifest = fs::read(place.path("out/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let made = manifest["made_with"].as_array().unwrap();
    assert_eq!(made.len(), 2, "{manifest}");
    assert_ne!(made[0]["numerics"]["binary"], made[1]["numerics"]["binary"]);
    // A further call keeps both.
    let (code, _, stderr) = call(&["--allow-mixed"]);
    assert_eq!(code, 0, "{stderr}");
    let again: Value = serde_json::from_slice(&fs::read(place.path("out/manifest.json")).unwrap()).unwrap();
    assert_eq!(again["made_with"], manifest["made_with"]);
}

#[test]
fn names_that_lead_elsewhere_or_meet_are_refused() {
    let place = Place::new(TINY);
    fs::copy(place.path("tiny.toml"), place.path("...toml")).unwrap();
    let (code, _, stderr) = place.call("run ...toml");
    assert!(code == 2 && stderr.contains("leads out of its folder"), "{code} {stderr}");
    for folder in ["a", "b"] {
        fs::create_dir(place.path(folder)).unwrap();
        fs::copy(place.path("tiny.toml"), place.path(folder).join("x.toml")).unwrap();
    }
    let (code, _, stderr) = place.call("run a/x.toml b/x.toml --out out");
    assert!(code == 2 && stderr.contains("a/x.toml and b/x.toml"), "{code} {stderr}");
    assert!(!place.path("out").exists() && !place.path("runs").exists());
    place.done("run a/x.toml --out r1/x");
    place.done("run b/x.toml --out r2/x");
    let (code, _, stderr) = place.call("gallery r1/x r2/x --out g");
    assert!(code == 2 && stderr.contains("r1/x and r2/x"), "{code} {stderr}");
    assert!(!place.path("g").exists());
}
