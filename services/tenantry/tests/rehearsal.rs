//! `tenantry rehearse` as a person runs it.

use std::process::Command;

use serde_json::Value;

/// Plays with 4 tenants in a storm and gives the figures, without the wall time.
fn rehearse(seed: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_tenantry"))
        .args([
            "rehearse",
            "--profile",
            "single",
            "--tenants",
            "4",
            "--faults",
            "storm",
        ])
        .args(["--seed", seed, "--json"])
        .output()
        .expect("the executable runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let mut figures: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    figures
        .as_object_mut()
        .and_then(|figures| figures.remove("seconds"))
        .expect("the wall time is among the figures");
    figures
}

#[test]
fn a_storm_leaves_nothing_behind_and_the_same_seed_gives_the_same_run() {
    let first = rehearse("11");
    assert_eq!(first["ready"], 4, "{first:#}");
    for figure in ["orphans", "duplicates", "missing", "leaked", "falsely_deleted"] {
        assert_eq!(first[figure], 0, "{figure}: {first:#}");
    }
    assert_eq!(
        first["tenants_without_fault"], 0,
        "a storm spares nobody: {first:#}"
    );
    assert_eq!(first, rehearse("11"));
    assert_ne!(first["digest"], rehearse("12")["digest"]);
}

#[test]
fn an_unknown_profile_or_mix_is_refused_with_the_names_there_are() {
    for (option, value, named) in [("--profile", "triple", "single"), ("--faults", "gale", "storm")] {
        let output = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(["rehearse", option, value])
            .output()
            .expect("the executable runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(named), "{errors}");
    }
}
