//! The page of the verdict that lies in the repository is what the program makes of the tables beside it.

use std::fs;
use std::path::Path;
use tailcatch::record::verdict::Tables;

/// The page of the map that was run is kept beside its tables, and made of them alone. To write it anew: `BOOK=write cargo test --test suite
/// the_kept_page`.
#[test]
fn the_kept_page_is_made_of_the_tables_beside_it() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("plots/verdict");
    let tables = Tables::read(&kept).unwrap();
    assert!(tables.cells.len() >= 80 && !tables.answers.is_empty());
    let made = tempfile::tempdir().unwrap();
    tailcatch::plots::phases::write(&tables.cells, made.path()).unwrap();
    tailcatch::report::verdict::write(&tables, made.path()).unwrap();
    for name in ["phases.svg", "verdict.md", "verdict.html"] {
        let now = fs::read(made.path().join(name)).unwrap();
        if std::env::var_os("BOOK").is_some_and(|how| how == "write") {
            fs::write(kept.join(name), &now).unwrap();
        }
        assert!(fs::read(kept.join(name)).unwrap() == now, "{name}: BOOK=write writes it anew");
    }
}
