//! A caller whose permissions a case decides.

use aws_config::SdkConfig;
use conformance::{Account, Aws, eventually};

/// An IAM user of an account, with an access key. (The root of an account assumes no roles.)
pub(crate) struct User {
    iam: aws_sdk_iam::Client,
    name: String,
    key_id: String,
    pub(crate) arn: String,
    /// For `Client::new`.
    pub(crate) config: SdkConfig,
}

impl User {
    /// A user that may do what the statements say, such as [`allow`]'s; without statements it may do nothing.
    pub(crate) async fn that_may(aws: &Aws, account: &Account, statements: &[String]) -> Self {
        let (iam, name) = (aws_sdk_iam::Client::new(&account.config), aws.name("user"));
        let made = iam.create_user().user_name(&name).send().await.expect("a user");
        let arn = made.user.expect("an answer has the user").arn;
        if !statements.is_empty() {
            let put = iam.put_user_policy().user_name(&name).policy_name("own");
            let put = put.policy_document(policy(statements)).send().await;
            put.expect("its policy");
        }
        let made = iam.create_access_key().user_name(&name).send().await;
        let key = made.expect("a key").access_key.expect("an answer has the key");
        let config = account.with_keys(&key.access_key_id, &key.secret_access_key, None);
        let sts = aws_sdk_sts::Client::new(&config);
        eventually("the key works", async || {
            sts.get_caller_identity().send().await.is_ok()
        })
        .await;
        Self {
            iam,
            name,
            key_id: key.access_key_id,
            arn,
            config,
        }
    }

    pub(crate) async fn remove(self) {
        let key = self.iam.delete_access_key().user_name(&self.name);
        let key = key.access_key_id(&self.key_id).send().await;
        key.expect("the key goes");
        let policies = self.iam.list_user_policies().user_name(&self.name).send().await;
        for policy in policies.expect("its policies").policy_names {
            let drop = self.iam.delete_user_policy().user_name(&self.name);
            drop.policy_name(policy).send().await.expect("a policy goes");
        }
        let gone = self.iam.delete_user().user_name(&self.name).send().await;
        gone.expect("the user goes");
    }
}

/// A policy document of statements.
pub(crate) fn policy(statements: &[String]) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
        statements.join(",")
    )
}

/// An identity's statement that allows actions, as a JSON string or list, on everything.
pub(crate) fn allow(actions: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":{actions},"Resource":"*"}}"#)
}
