//! Users, roles and sessions that the cases are made of.

use aws_config::SdkConfig;
use aws_sdk_iam::Client as Iam;
use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder;
use conformance::{Account, Aws, aws, code, eventually};

/// Allows everything.
pub(crate) const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A policy of these statements.
pub(crate) fn policy(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

/// A policy that allows one action on everything.
pub(crate) fn allow(action: &str) -> String {
    policy(&format!(
        r#"{{"Effect":"Allow","Action":"{action}","Resource":"*"}}"#
    ))
}

/// A trust policy of one statement for one AWS principal.
pub(crate) fn trust(principal: &str, condition: &str) -> String {
    policy(&format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},
        "Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Condition":{condition}}}"#
    ))
}

/// The IAM client of an account's administrator.
pub(crate) fn iam(account: &Account) -> Iam {
    Iam::new(&account.config)
}

/// A user with an access key: root may not assume roles, so a user does it.
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) key_id: String,
    /// Signed with the user's key.
    pub(crate) config: SdkConfig,
    iam: Iam,
}

impl User {
    /// A user that may do what the policy says, and whose key works already.
    pub(crate) async fn make(aws: &Aws, account: &Account, policy: &str) -> Self {
        let (iam, name) = (iam(account), aws.name("user"));
        let made = iam.create_user().user_name(&name).send().await.expect("a user");
        let put = iam
            .put_user_policy()
            .user_name(&name)
            .policy_name("own")
            .policy_document(policy);
        put.send().await.expect("its policy");
        let key = iam
            .create_access_key()
            .user_name(&name)
            .send()
            .await
            .expect("a key");
        let key = key.access_key.expect("an answer has a key");
        let config = account.with_keys(&key.access_key_id, &key.secret_access_key, None);
        let sts = aws_sdk_sts::Client::new(&config);
        eventually("the new key signs", async || {
            sts.get_caller_identity().send().await.is_ok()
        })
        .await;
        Self {
            name,
            arn: made.user.expect("an answer has a user").arn,
            key_id: key.access_key_id,
            config,
            iam,
        }
    }

    /// Deletes it with what it holds.
    pub(crate) async fn remove(self) {
        let user = || self.name.clone();
        let keys = self
            .iam
            .list_access_keys()
            .user_name(user())
            .send()
            .await
            .expect("its keys");
        for key in keys.access_key_metadata {
            let delete = self.iam.delete_access_key().user_name(user());
            delete
                .set_access_key_id(key.access_key_id)
                .send()
                .await
                .expect("a key goes");
        }
        let policies = self
            .iam
            .list_user_policies()
            .user_name(user())
            .send()
            .await
            .expect("its policies");
        for name in policies.policy_names {
            let delete = self.iam.delete_user_policy().user_name(user()).policy_name(name);
            delete.send().await.expect("a policy goes");
        }
        let attached = self
            .iam
            .list_attached_user_policies()
            .user_name(user())
            .send()
            .await;
        for policy in attached
            .expect("attached policies")
            .attached_policies
            .unwrap_or_default()
        {
            let detach = self.iam.detach_user_policy().user_name(user());
            detach
                .set_policy_arn(policy.policy_arn)
                .send()
                .await
                .expect("a policy is detached");
        }
        self.iam
            .delete_user()
            .user_name(user())
            .send()
            .await
            .expect("the user goes");
    }
}

/// A role.
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) iam: Iam,
}

impl Role {
    /// A role with a trust policy and one inline policy named `own`.
    pub(crate) async fn make(aws: &Aws, account: &Account, trust: &str, policy: &str) -> Self {
        let role = Self::bare(aws, account, trust).await;
        role.put("own", policy).await;
        role
    }

    /// A role without policies.
    pub(crate) async fn bare(aws: &Aws, account: &Account, trust: &str) -> Self {
        let (iam, name) = (iam(account), aws.name("role"));
        let create = iam
            .create_role()
            .role_name(&name)
            .max_session_duration(43_200)
            .assume_role_policy_document(trust);
        let made = create.send().await.expect("the role is made");
        let arn = made.role.expect("an answer has a role").arn;
        Self { name, arn, iam }
    }

    /// Puts an inline policy.
    pub(crate) async fn put(&self, name: &str, policy: &str) {
        let put = self.iam.put_role_policy().role_name(&self.name);
        let put = put.policy_name(name).policy_document(policy);
        put.send().await.expect("the policy is put");
    }

    /// Changes whom it trusts.
    pub(crate) async fn trusts(&self, trust: &str) {
        let update = self.iam.update_assume_role_policy().role_name(&self.name);
        update
            .policy_document(trust)
            .send()
            .await
            .expect("the trust policy changes");
    }

    /// A session of it, as soon as it lets the caller in.
    pub(crate) async fn session(&self, caller: &SdkConfig, account: &Account) -> SdkConfig {
        session(account, || assume(caller, &self.arn)).await
    }

    /// Deletes it with what it holds.
    pub(crate) async fn remove(self) {
        let role = || self.name.clone();
        let policies = self
            .iam
            .list_role_policies()
            .role_name(role())
            .send()
            .await
            .expect("its policies");
        for name in policies.policy_names {
            let delete = self.iam.delete_role_policy().role_name(role()).policy_name(name);
            delete.send().await.expect("a policy goes");
        }
        let attached = self
            .iam
            .list_attached_role_policies()
            .role_name(role())
            .send()
            .await;
        for policy in attached
            .expect("attached policies")
            .attached_policies
            .unwrap_or_default()
        {
            let detach = self.iam.detach_role_policy().role_name(role());
            detach
                .set_policy_arn(policy.policy_arn)
                .send()
                .await
                .expect("a policy is detached");
        }
        self.iam
            .delete_role()
            .role_name(role())
            .send()
            .await
            .expect("the role goes");
    }
}

/// AssumeRole with the session name `probe`.
pub(crate) fn assume(caller: &SdkConfig, role: &str) -> AssumeRoleFluentBuilder {
    let sts = aws_sdk_sts::Client::new(caller);
    sts.assume_role().role_arn(role).role_session_name("probe")
}

/// The settings of the session that a call makes, asked for until the new role and policies have arrived.
pub(crate) async fn session(account: &Account, request: impl Fn() -> AssumeRoleFluentBuilder) -> SdkConfig {
    let mut answer = None;
    eventually("the role lets the caller in", async || {
        answer = request().send().await.ok();
        answer.is_some()
    })
    .await;
    keys_of(account, &answer.expect("the last look succeeded"))
}

/// The settings for the keys of an answer.
pub(crate) fn keys_of(account: &Account, answer: &AssumeRoleOutput) -> SdkConfig {
    let keys = answer.credentials().expect("an answer has keys");
    account.with_keys(
        keys.access_key_id(),
        keys.secret_access_key(),
        Some(keys.session_token()),
    )
}

/// Names that a trust policy may hold.
pub(crate) struct Names {
    /// The operator's account.
    pub(crate) operator: String,
    /// The operator's user that asks.
    pub(crate) broker: String,
    /// A third account.
    pub(crate) stranger: String,
}

/// Whether a trust policy lets the operator's user in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It gets a session.
    In,
    /// It hears `AccessDenied`.
    Out,
}

/// Asks a customer's role with this trust policy whether the operator's user gets in with this external id.
///
/// What keeps it out is the trust policy alone, because an open one let it in before; what lets it in is the trust
/// policy alone, because the one before let nobody in.
pub(crate) async fn probe(shape: impl Fn(&Names) -> String, external_id: Option<&str>, outcome: Outcome) {
    let aws = aws().await;
    let broker = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let names = Names {
        operator: aws.vendor().id.clone(),
        broker: broker.arn.clone(),
        stranger: aws.stranger().id.clone(),
    };
    let before = match outcome {
        Outcome::In => trust(&aws.customer().root_arn(), "{}"),
        Outcome::Out => trust(&aws.vendor().root_arn(), "{}"),
    };
    let role = Role::make(&aws, aws.customer(), &before, &allow("sts:GetCallerIdentity")).await;
    let ask = || {
        let request = assume(&broker.config, &role.arn);
        request.set_external_id(external_id.map(str::to_owned)).send()
    };
    if outcome == Outcome::Out {
        eventually("the open role lets in", async || ask().await.is_ok()).await;
    }
    role.trusts(&shape(&names)).await;
    match outcome {
        Outcome::In => eventually("it lets in", async || ask().await.is_ok()).await,
        Outcome::Out => {
            eventually("it refuses", async || {
                let answer = ask().await;
                answer.is_err() && code(answer) == "AccessDenied"
            })
            .await;
        }
    }
    role.remove().await;
    broker.remove().await;
}

/// The whole account of the operator, under a condition.
pub(crate) fn with(condition: &str) -> impl Fn(&Names) -> String {
    move |names| trust(&format!("arn:aws:iam::{}:root", names.operator), condition)
}

/// Cases of one shape of trust policy each: attributes, a name, the shape, the external id presented, the outcome.
macro_rules! trust_shapes {
    ($($(#[$attribute:meta])* $name:ident($shape:expr, $external_id:expr) => $outcome:ident;)*) => {$(
        $(#[$attribute])*
        async fn $name() {
            $crate::support::probe($shape, $external_id, $crate::support::Outcome::$outcome).await;
        }
    )*};
}
pub(crate) use trust_shapes;
