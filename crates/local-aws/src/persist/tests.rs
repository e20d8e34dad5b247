//! What the files hold after kills, torn writes and damage.

use std::path::Path;

use serde_json::json;

use super::*;

fn over(directory: &Path) -> Options {
    Options {
        data_dir: Some(directory.to_owned()),
        ..Options::default()
    }
}

/// An endpoint that subscribes customers; each is saved before the next.
async fn with_customers(directory: &Path, customers: &[&str]) -> Endpoint {
    let endpoint = Endpoint::open(&over(directory)).await.expect("it opens");
    for customer in customers {
        let marketplace = &endpoint.core.peers.marketplace;
        marketplace.subscribe("product", &["hours"], customer);
        endpoint.core.mark_dirty();
        save(&endpoint).await.expect("saved");
    }
    endpoint
}

fn journal_of(directory: &Path) -> std::path::PathBuf {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut journals = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().contains("journal-"));
    let own = journals.next().expect("a journal");
    assert_eq!(journals.next(), None, "old journals are gone");
    own
}

async fn customers(directory: &Path) -> String {
    let endpoint = Endpoint::open(&over(directory)).await.expect("it opens again");
    endpoint.release();
    let state = json!(gather(&endpoint));
    state["services"]["aws-marketplace"].to_string()
}

#[tokio::test]
async fn what_was_saved_is_there_without_a_clean_stop_and_a_torn_line_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    with_customers(directory.path(), &["ada", "bob", "cyd"])
        .await
        .release();
    let journal = journal_of(directory.path());
    let bytes = std::fs::read(&journal).expect("the journal");
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 3);

    for cut in [1, 20, 60] {
        std::fs::write(&journal, &bytes[..bytes.len() - cut]).expect("torn");
        let copy = tempfile::tempdir().expect("a directory");
        for name in [
            "state.json",
            journal
                .file_name()
                .and_then(|name| name.to_str())
                .expect("a name"),
        ] {
            std::fs::copy(directory.path().join(name), copy.path().join(name)).expect("copied");
        }
        let held = customers(copy.path()).await;
        assert!(held.contains("bob") && !held.contains("cyd"), "cut {cut}: {held}");
    }
    std::fs::write(&journal, &bytes).expect("whole again");
    let held = customers(directory.path()).await;
    assert!(held.contains("ada") && held.contains("cyd"), "{held}");
    assert_ne!(
        journal_of(directory.path()),
        journal,
        "it was folded at the start"
    );
    assert!(customers(directory.path()).await.contains("cyd"));
}

#[tokio::test]
async fn damage_before_the_end_is_refused_with_the_files_name() {
    let directory = tempfile::tempdir().expect("a directory");
    with_customers(directory.path(), &["ada", "bob"]).await.release();
    let journal = journal_of(directory.path());
    let mut bytes = std::fs::read(&journal).expect("the journal");
    bytes[30] ^= 1;
    std::fs::write(&journal, bytes).expect("damaged");

    let refused = Endpoint::open(&over(directory.path())).await;

    match refused.map(|_| ()) {
        Err(StartError::State { path, source }) => {
            assert_eq!(path, journal);
            assert_eq!(source.to_string(), "line 1 is damaged");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_did_not_change_is_not_written_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let endpoint = with_customers(directory.path(), &["ada"]).await;
    let journal = journal_of(directory.path());
    let bytes = std::fs::metadata(&journal).expect("the journal").len();
    for _ in 0..10 {
        endpoint.core.mark_dirty();
        save(&endpoint).await.expect("saved");
    }
    assert_eq!(std::fs::metadata(&journal).expect("the journal").len(), bytes);
}

#[tokio::test]
async fn a_released_directory_is_not_written_and_a_claimed_one_not_shared() {
    let directory = tempfile::tempdir().expect("a directory");
    let endpoint = with_customers(directory.path(), &["ada"]).await;
    let refused = Endpoint::open(&over(directory.path())).await.map(|_| ());
    assert!(
        matches!(&refused, Err(StartError::InUse(path)) if path == directory.path()),
        "{refused:?}"
    );

    endpoint.release();
    endpoint.core.mark_dirty();
    assert!(save(&endpoint).await.is_err());
    assert!(customers(directory.path()).await.contains("ada"));
}

#[tokio::test]
async fn a_snapshot_that_was_taken_back_is_what_survives() {
    let directory = tempfile::tempdir().expect("a directory");
    let endpoint = with_customers(directory.path(), &["ada"]).await;
    let snapshot = gather(&endpoint);
    let marketplace = &endpoint.core.peers.marketplace;
    marketplace.subscribe("product", &["hours"], "bob");
    endpoint.core.mark_dirty();
    save(&endpoint).await.expect("saved");

    take_back(&endpoint, snapshot).expect("its own snapshot");
    save(&endpoint).await.expect("saved");
    assert_eq!(
        std::fs::metadata(journal_of(directory.path()))
            .expect("a journal")
            .len(),
        0
    );
    marketplace.subscribe("product", &["hours"], "cyd");
    endpoint.core.mark_dirty();
    save(&endpoint).await.expect("saved in the new journal");
    endpoint.release();

    let held = customers(directory.path()).await;
    assert!(
        held.contains("ada") && held.contains("cyd") && !held.contains("bob"),
        "{held}"
    );
}
