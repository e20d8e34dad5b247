//! KMS: other names of keys, and lists of keys.

use conformance::{aws, code, controlled};

use crate::keys::{key, kms, let_go};
use crate::support::User;

/// An alias moves to another key of its account.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html
#[tokio::test]
async fn an_alias_moves_to_another_key() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let (one, other) = (key(&client).await, key(&client).await);
    let alias = format!("alias/{}", aws.name("key"));
    let make = client.create_alias().alias_name(&alias).target_key_id(&one);
    make.send().await.expect("an alias");
    let moves = client.update_alias().alias_name(&alias).target_key_id(&other);
    moves.send().await.expect("it moves");
    let shown = client.describe_key().key_id(&alias).send().await.expect("a key");
    assert_eq!(shown.key_metadata.map(|key| key.key_id), Some(other.clone()));
    let gone = client.delete_alias().alias_name(&alias).send().await;
    gone.expect("it goes");
    let_go(&client, &one).await;
    let_go(&client, &other).await;
}

/// An alias that is not there is neither moved nor deleted.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html
#[tokio::test]
async fn an_alias_that_is_not_there_is_not_found() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let (id, alias) = (key(&client).await, format!("alias/{}", aws.name("none")));
    let moved = client
        .update_alias()
        .alias_name(&alias)
        .target_key_id(&id)
        .send()
        .await;
    assert_eq!(code(moved), "NotFoundException");
    let gone = client.delete_alias().alias_name(&alias).send().await;
    assert_eq!(code(gone), "NotFoundException");
    let_go(&client, &id).await;
}

/// The aliases of one key can be listed alone.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html
#[tokio::test]
async fn the_aliases_of_one_key_are_listed_alone() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let (one, other) = (key(&client).await, key(&client).await);
    let names = [1, 2, 3].map(|number| format!("alias/{}-{number}", aws.name("many")));
    for (name, target) in [(&names[0], &one), (&names[1], &one), (&names[2], &other)] {
        let make = client.create_alias().alias_name(name).target_key_id(target);
        make.send().await.expect("an alias");
    }
    let listed = client.list_aliases().key_id(&one).send().await.expect("aliases");
    let mut found: Vec<_> = listed
        .aliases()
        .iter()
        .filter_map(|alias| alias.alias_name())
        .collect();
    found.sort_unstable();
    let mut wanted = [names[0].as_str(), names[1].as_str()];
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    for name in &names {
        client
            .delete_alias()
            .alias_name(name)
            .send()
            .await
            .expect("it goes");
    }
    let_go(&client, &one).await;
    let_go(&client, &other).await;
}

/// An alias of another account's key cannot be made.
/// https://docs.aws.amazon.com/kms/latest/developerguide/alias-create.html
#[tokio::test]
async fn an_alias_names_no_key_of_another_account() {
    let aws = aws().await;
    let (own, stranger) = (kms(aws.vendor()), kms(aws.customer()));
    let made = own.create_key().send().await.expect("a key");
    let arn = made.key_metadata.and_then(|key| key.arn).expect("an ARN");
    let alias = stranger
        .create_alias()
        .alias_name(format!("alias/{}", aws.name("theirs")))
        .target_key_id(&arn)
        .send()
        .await;
    assert_eq!(code(alias), "AccessDeniedException");
    let_go(&own, &arn).await;
}

/// An alias needs the permission on itself as well as the one on its key.
/// https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
#[tokio::test]
async fn an_alias_needs_permission_on_itself_and_on_its_key() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let made = client.create_key().send().await.expect("a key");
    let arn = made.key_metadata.and_then(|key| key.arn).expect("an ARN");
    let on_key = format!(r#"{{"Effect":"Allow","Action":"kms:CreateAlias","Resource":"{arn}"}}"#);
    let user = User::that_may(&aws, aws.vendor(), &[on_key]).await;
    let alias = aws_sdk_kms::Client::new(&user.config)
        .create_alias()
        .alias_name(format!("alias/{}", aws.name("half")))
        .target_key_id(&arn)
        .send()
        .await;
    assert_eq!(code(alias), "AccessDeniedException");
    user.remove().await;
    let_go(&client, &arn).await;
}

/// An alias goes with its key.
/// https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
#[tokio::test]
async fn an_alias_goes_with_its_key() {
    let Some(aws) = controlled().await else { return };
    let client = kms(aws.vendor());
    let id = key(&client).await;
    let make = client
        .create_alias()
        .alias_name("alias/short-lived")
        .target_key_id(&id);
    make.send().await.expect("an alias");
    let_go(&client, &id).await;
    let waits = client.list_aliases().send().await.expect("aliases");
    assert_eq!(waits.aliases().len(), 1);
    aws.advance(chrono::TimeDelta::days(8));
    let gone = client.list_aliases().send().await.expect("aliases");
    assert!(gone.aliases().is_empty());
}

/// Keys are listed in pages, each once; a marker that KMS never gave is refused.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html
#[tokio::test]
async fn keys_are_listed_in_pages() {
    let Some(aws) = controlled().await else { return };
    let client = kms(aws.vendor());
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(key(&client).await);
    }
    let (mut marker, mut listed) = (None, Vec::new());
    loop {
        let page = client.list_keys().limit(2).set_marker(marker).send().await;
        let page = page.expect("a page");
        assert!(page.keys().len() <= 2);
        listed.extend(
            page.keys()
                .iter()
                .filter_map(|key| key.key_id().map(str::to_owned)),
        );
        assert_eq!(page.truncated, page.next_marker.is_some());
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    made.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, made);
    let bad = client.list_keys().marker("no marker!").send().await;
    assert_eq!(code(bad), "InvalidMarkerException");
    let none = client.list_keys().limit(1_001).send().await;
    assert_eq!(code(none), "ValidationException");
}
