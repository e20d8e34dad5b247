//! The embedded default: whole after the first start, the same after the second.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use local::postgres::Search;
use local::{Embedded, EmbeddedError, EmbeddedOptions};
use tempfile::TempDir;
use tenant_store::Stores;

fn folder() -> TempDir {
    // As root the server runs as another account, which has to come past this folder.
    let readable = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new()
        .permissions(readable)
        .tempdir()
        .expect("a folder")
}

fn options(data_dir: &Path) -> EmbeddedOptions {
    EmbeddedOptions {
        data_dir: Some(data_dir.to_owned()),
        aws_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        stores: None,
        aws: None,
        search: Search::machine(),
    }
}

#[tokio::test]
async fn a_second_start_finds_the_database_as_it_was_left() {
    let folder = folder();
    let first = Embedded::start(options(folder.path()))
        .await
        .expect("a first start");
    let addresses = first.databases.clone();
    Stores::connect(&first.stores)
        .await
        .expect("a migrated database")
        .close()
        .await;
    first.stop().await;

    let second = Embedded::start(options(folder.path()))
        .await
        .expect("a second start");

    assert_eq!(second.databases, addresses);
    Stores::connect(&second.stores)
        .await
        .expect("the same database")
        .close()
        .await;
    second.stop().await;
}

#[tokio::test]
async fn a_directory_serves_one_process_at_a_time() {
    let folder = folder();
    let first = Embedded::start(options(folder.path()))
        .await
        .expect("a first start");

    let refused = Embedded::start(options(folder.path())).await;

    assert!(matches!(refused, Err(EmbeddedError::InUse(_))));
    first.stop().await;
}

#[tokio::test]
async fn without_postgresql_it_says_what_to_install() {
    let folder = folder();
    let nowhere = Search {
        on_path: false,
        folders: Vec::new(),
    };

    let refused = Embedded::start(EmbeddedOptions {
        search: nowhere,
        ..options(folder.path())
    })
    .await;

    let sentence = refused.err().expect("nothing to start").to_string();
    assert!(
        sentence.starts_with("PostgreSQL 15 or newer is needed and was not found; install it"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_given_database_and_given_aws_start_nothing() {
    let (folder, other) = (folder(), folder());
    let running = Embedded::start(options(other.path()))
        .await
        .expect("a place to be given");
    let given = EmbeddedOptions {
        stores: Some(running.stores.clone()),
        aws: Some(running.aws.clone()),
        ..options(folder.path())
    };

    let embedded = Embedded::start(given).await.expect("nothing to start");

    assert!(embedded.local_aws.is_none() && embedded.databases.is_none());
    assert!(!folder.path().join("postgres").exists());
    embedded.stop().await;
    running.stop().await;
}

#[tokio::test]
async fn without_a_directory_nothing_is_kept() {
    let folder = folder();
    let fleeting = EmbeddedOptions {
        data_dir: None,
        ..options(folder.path())
    };

    let embedded = Embedded::start(fleeting).await.expect("a start");
    let url = embedded
        .databases
        .as_ref()
        .expect("a private database")
        .owner_url
        .clone();
    Stores::connect(&embedded.stores)
        .await
        .expect("a migrated database")
        .close()
        .await;
    embedded.stop().await;

    assert!(
        tenant_store::bootstrap::migrate(&url).await.is_err(),
        "its server and its data are gone"
    );
}
