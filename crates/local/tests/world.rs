//! Worlds are whole, apart from each other, and move in time as one.

use std::time::{Duration, Instant};

use local::World;

#[tokio::test]
async fn two_worlds_do_not_meet_and_the_second_comes_quickly() {
    let first = World::start().await;
    let begun = Instant::now();
    let second = World::start().await;
    let took = begun.elapsed();

    assert_ne!(first.databases, second.databases);
    assert_ne!(first.local_aws.endpoint(), second.local_aws.endpoint());
    first.stores.ping().await.expect("its own database");
    second.stores.ping().await.expect("its own database");
    // A generous bound that only a copy can keep; migrating and starting a server take longer.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn time_passes_for_the_kit_and_for_aws_alike() {
    let world = World::start().await;
    let (ours, theirs) = (world.kit.clock.now(), world.control.now());

    world.advance(Duration::from_secs(3_600)).await;

    assert_eq!((world.kit.clock.now() - ours).num_seconds(), 3_600);
    assert_eq!((world.control.now() - theirs).num_seconds(), 3_600);
}
