//! Aurora global clusters: what belongs to them.

use aws_sdk_rds::Client;
use conformance::{Aws, code, controlled};

use super::support::{
    FAR, Network, client, cluster, cluster_of, far_network, global_of, key, member, network, primary_of,
    secondary,
};

/// A global cluster of a primary here and a secondary far away, each with one member.
pub(crate) struct World {
    pub(crate) near: Network,
    pub(crate) far: Network,
    pub(crate) here: Client,
    pub(crate) there: Client,
    pub(crate) primary: String,
    pub(crate) secondary: String,
}

pub(crate) async fn world(aws: &Aws) -> World {
    let (near, far) = (network(aws).await, far_network(aws).await);
    let (here, there) = (client(aws), Client::new(&far.config));
    cluster(&here, &near, "near").send().await.expect("a cluster");
    member(&here, "near", "near-one").send().await.expect("a member");
    let primary = cluster_of(&here, "near").await.db_cluster_arn.expect("an ARN");
    let create = here.create_global_cluster().global_cluster_identifier("world");
    create
        .source_db_cluster_identifier(&primary)
        .send()
        .await
        .expect("a global cluster");
    secondary(&there, &far, "far", "world")
        .send()
        .await
        .expect("a secondary");
    member(&there, "far", "far-one").send().await.expect("a member");
    let secondary = cluster_of(&there, "far").await.db_cluster_arn.expect("an ARN");
    World {
        near,
        far,
        here,
        there,
        primary,
        secondary,
    }
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_GlobalCluster.html>
#[tokio::test]
async fn a_global_cluster_tells_its_primary_and_its_readers_in_every_region() {
    let Some(aws) = controlled().await else { return };
    let world = world(&aws).await;
    for rds in [&world.here, &world.there] {
        let found = global_of(rds, "world").await;
        assert_eq!(found.status(), Some("available"));
        assert_eq!(found.global_cluster_members().len(), 2);
        assert_eq!(primary_of(rds, "world").await, Some(world.primary.clone()));
        let primary = found
            .global_cluster_members()
            .iter()
            .find(|it| it.is_writer() == Some(true));
        let readers = primary.expect("a primary").readers();
        assert_eq!(readers, std::slice::from_ref(&world.secondary));
    }
    let far = cluster_of(&world.there, "far").await;
    assert_eq!(far.replication_source_identifier(), Some(world.primary.as_str()));
    assert!(
        far.db_cluster_members()
            .iter()
            .all(|member| member.is_cluster_writer() != Some(true))
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-getting-started.html>
#[tokio::test]
async fn a_secondary_takes_its_master_from_the_primary_and_its_region_alone() {
    let Some(aws) = controlled().await else { return };
    let world = world(&aws).await;
    let create = secondary(&world.there, &world.far, "other", "world");
    assert_eq!(code(create.send().await), "InvalidGlobalClusterStateFault");
    let create = secondary(&world.there, &world.far, "other", "never-made");
    assert_eq!(code(create.send().await), "GlobalClusterNotFoundFault");
    let third = aws.vendor().in_region("us-east-1");
    let rds = Client::new(&third);
    let (_, subnets, _) = super::support::subnets(&third).await;
    let group = rds.create_db_subnet_group().db_subnet_group_name("third");
    let group = group
        .db_subnet_group_description("third")
        .set_subnet_ids(Some(subnets));
    group.send().await.expect("a subnet group");
    let create = || {
        rds.create_db_cluster()
            .db_cluster_identifier("third")
            .engine("aurora-postgresql")
            .db_subnet_group_name("third")
            .global_cluster_identifier("world")
    };
    let master = create().master_username("other").send().await;
    assert_eq!(code(master), "InvalidParameterCombination");
    let engine = create().engine("aurora-mysql").send().await;
    assert_eq!(code(engine), "InvalidParameterCombination");
    create().send().await.expect("a second secondary");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html>
#[tokio::test]
async fn a_secondary_of_an_encrypted_primary_needs_a_key_of_its_region() {
    let Some(aws) = controlled().await else { return };
    let (near, far) = (network(&aws).await, far_network(&aws).await);
    let (here, there) = (client(&aws), Client::new(&far.config));
    cluster(&here, &near, "near")
        .storage_encrypted(true)
        .send()
        .await
        .expect("a cluster");
    let primary = cluster_of(&here, "near").await.db_cluster_arn.expect("an ARN");
    let create = here.create_global_cluster().global_cluster_identifier("world");
    create
        .source_db_cluster_identifier(&primary)
        .send()
        .await
        .expect("a global cluster");
    let without = secondary(&there, &far, "far", "world")
        .storage_encrypted(true)
        .send()
        .await;
    assert_eq!(code(without), "InvalidParameterCombination");
    let key = key(&far.config).await;
    let with = secondary(&there, &far, "far", "world")
        .storage_encrypted(true)
        .kms_key_id(&key);
    let made = with
        .send()
        .await
        .expect("a secondary")
        .db_cluster
        .expect("a cluster");
    assert_eq!(made.kms_key_id(), Some(key.as_str()));
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-managing.html>
#[tokio::test]
async fn a_global_cluster_and_its_members_are_taken_apart_in_order() {
    let Some(aws) = controlled().await else { return };
    let World {
        here,
        there,
        primary,
        secondary,
        ..
    } = world(&aws).await;
    let delete_global = || {
        here.delete_global_cluster()
            .global_cluster_identifier("world")
            .send()
    };
    assert_eq!(code(delete_global().await), "InvalidGlobalClusterStateFault");
    for (rds, id) in [(&here, "near-one"), (&there, "far-one")] {
        let delete = rds
            .delete_db_instance()
            .db_instance_identifier(id)
            .skip_final_snapshot(true);
        delete.send().await.expect("taken");
    }
    let delete = |rds: &Client, id: &str| {
        let delete = rds.delete_db_cluster().db_cluster_identifier(id);
        delete.skip_final_snapshot(true).send()
    };
    assert_eq!(
        code(delete(&here, "near").await),
        "InvalidGlobalClusterStateFault"
    );
    assert_eq!(code(delete(&there, "far").await), "InvalidDBClusterStateFault");
    let remove = |arn: &str| {
        let remove = here
            .remove_from_global_cluster()
            .global_cluster_identifier("world");
        remove.db_cluster_identifier(arn).send()
    };
    assert_eq!(code(remove(&primary).await), "InvalidGlobalClusterStateFault");
    remove(&secondary).await.expect("the secondary leaves");
    assert_eq!(code(remove(&secondary).await), "DBClusterNotFoundFault");
    remove(&primary).await.expect("the primary leaves");
    delete_global().await.expect("the global cluster goes");
    delete(&here, "near").await.expect("the primary goes");
    delete(&there, "far").await.expect("the secondary goes");
    let describe = here
        .describe_global_clusters()
        .global_cluster_identifier("world")
        .send()
        .await;
    assert_eq!(code(describe), "GlobalClusterNotFoundFault");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteGlobalCluster.html>
#[tokio::test]
async fn a_protected_global_cluster_is_not_deleted() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let create = rds.create_global_cluster().global_cluster_identifier("world");
    let create = create.engine("aurora-postgresql").deletion_protection(true);
    create.send().await.expect("a global cluster");
    let delete = rds
        .delete_global_cluster()
        .global_cluster_identifier("world")
        .send()
        .await;
    assert_eq!(code(delete), "InvalidParameterCombination");
    let lost = rds
        .delete_global_cluster()
        .global_cluster_identifier("never-made")
        .send()
        .await;
    assert_eq!(code(lost), "GlobalClusterNotFoundFault");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-detach.html>
#[tokio::test]
async fn a_secondary_that_left_writes_with_what_had_reached_it() {
    let Some(aws) = controlled().await else { return };
    let world = world(&aws).await;
    let control = aws.control();
    assert!(control.set_replica_lag(&world.secondary, chrono::TimeDelta::seconds(10)));
    control.write_marker(&world.primary, 1).expect("committed");
    aws.advance(chrono::TimeDelta::seconds(20));
    control.write_marker(&world.primary, 2).expect("committed");
    let remove = world
        .there
        .remove_from_global_cluster()
        .global_cluster_identifier("world");
    remove
        .db_cluster_identifier(&world.secondary)
        .send()
        .await
        .expect("taken");
    let view = control.database(&world.secondary).expect("it is there");
    assert_eq!((view.is_writable, view.markers), (true, vec![1]));
    assert!(world.secondary.contains(FAR));
    assert_eq!(
        control.database(&world.primary).expect("it is there").markers,
        [1, 2]
    );
}
