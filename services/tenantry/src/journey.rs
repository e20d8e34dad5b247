//! The main job as a customer lives it, over HTTP: the demo plays it, the demo world is seeded by it, tests prove it.

use std::collections::BTreeMap;
use std::time::Duration;

use local::accounts::{CUSTOMER_ROLE_TEMPLATE, StackError, deploy_role_stack};
use local_aws::LocalAws;
use onboarding::OnboardingError;
use serde_json::{Value, json};

use crate::client::{CallError, Client};

/// Between two looks at something that is under way.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// What anything under way may take on one machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the journey ended early.
#[derive(Debug, thiserror::Error)]
pub enum JourneyError {
    /// A call was refused or got no answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The outbox could not be read.
    #[error("the outbox could not be read")]
    Outbox(#[source] OnboardingError),
    /// No mail with a link came.
    #[error("no mail with a link came to {0}")]
    NoMail(String),
    /// The local CloudFormation refused the template.
    #[error("the role's stack was not made")]
    Stack(#[from] StackError),
    /// A reply lacks a field that the API promises.
    #[error("the reply has no {0}")]
    Missing(&'static str),
    /// It did not come to pass in time.
    #[error("waited {}s for {what}; last seen: {seen}", PATIENCE.as_secs())]
    Late {
        /// What was awaited.
        what: String,
        /// The last state seen.
        seen: String,
    },
}

/// A customer who has signed in.
#[derive(Clone, Debug)]
pub struct Customer {
    /// `tnt_…`.
    pub tenant_id: String,
    /// Calls as the tenant's first person.
    pub api: Client,
}

/// What a journey needs besides the API: the mails, and the customers' own AWS.
pub struct Journey<'a> {
    /// Calls as nobody.
    pub api: Client,
    /// Whose outbox the mails are in.
    pub onboarding: &'a onboarding::App,
    /// Where customers have their accounts.
    pub local_aws: &'a LocalAws,
}

impl Journey<'_> {
    /// Signs up, follows the link in the mail, and signs in.
    ///
    /// # Errors
    /// [`JourneyError`].
    pub async fn sign_up(
        &self,
        organisation: &str,
        email: &str,
        password: &str,
    ) -> Result<Customer, JourneyError> {
        let signup = json!({"organisation": organisation, "email": email, "password": password});
        self.api.post("/v1/signups", &signup).await?;
        let token = self.mailed_token(email).await?;
        let verified = self
            .api
            .post("/v1/signups/verify", &json!({"token": token}))
            .await?;
        let tenant_id = text(&verified["tenant"]["id"], "tenant.id")?;
        let api = self.sign_in(email, password).await?;
        Ok(Customer { tenant_id, api })
    }

    /// Signs in by password.
    ///
    /// # Errors
    /// [`JourneyError`].
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<Client, JourneyError> {
        let session = self
            .api
            .post("/v1/sessions", &json!({"email": email, "password": password}))
            .await?;
        Ok(self.api.with(&text(&session["access_token"], "access_token")?))
    }

    /// The token in the newest mail to an address.
    ///
    /// # Errors
    /// [`JourneyError::NoMail`].
    pub async fn mailed_token(&self, email: &str) -> Result<String, JourneyError> {
        let mails = onboarding::mail::list_recent(self.onboarding, 100)
            .await
            .map_err(JourneyError::Outbox)?;
        let newest = mails.iter().find(|mail| mail.recipient.as_str() == email);
        let token = newest.and_then(|mail| {
            let (_, rest) = mail.body.split_once("token=")?;
            rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
                .next()
        });
        token
            .map(str::to_owned)
            .ok_or_else(|| JourneyError::NoMail(email.to_owned()))
    }

    /// Declares an account and deploys the role's stack in it, as the quick-create link does.
    ///
    /// # Errors
    /// [`JourneyError`].
    pub async fn connect(&self, customer: &Customer, account: &str) -> Result<String, JourneyError> {
        let connection = self.declare(customer, account).await?;
        let id = text(&connection["id"], "id")?;
        self.resume_connection(customer, &id, account).await
    }

    /// Deploys the role's stack of a declared account, unless it is there, and waits for the proof.
    ///
    /// # Errors
    /// [`JourneyError`].
    pub async fn resume_connection(
        &self,
        customer: &Customer,
        id: &str,
        account: &str,
    ) -> Result<String, JourneyError> {
        let path = format!("/v1/connections/{id}");
        let parameters = parameters(&customer.api.get(&path).await?)?;
        deploy_role_stack(self.local_aws, account, CUSTOMER_ROLE_TEMPLATE, &parameters).await?;
        wait_for(&customer.api, &path, "state", &["ready"]).await?;
        Ok(id.to_owned())
    }

    /// Declares an account; nothing is in it yet.
    ///
    /// # Errors
    /// [`JourneyError`].
    pub async fn declare(&self, customer: &Customer, account: &str) -> Result<Value, JourneyError> {
        let path = format!("/v1/tenants/{}/connections", customer.tenant_id);
        Ok(customer
            .api
            .post(&path, &json!({"aws_account_id": account}))
            .await?)
    }
}

impl Customer {
    /// Asks for a deployment and approves its plan; gives the operation's and the deployment's id.
    ///
    /// # Errors
    /// [`JourneyError`].
    pub async fn approve_deployment(
        &self,
        connection: &str,
        region: &str,
    ) -> Result<(String, String), JourneyError> {
        let wish = json!({"connection_id": connection, "profile": "single", "region": region});
        let planned = self.api.post("/v1/deployments", &wish).await?;
        let operation = self.approve(&planned).await?;
        Ok((operation, text(&planned["subject"], "subject")?))
    }

    /// Approves the plan with which the deletion of one of the tenant's deployments begins, as soon as it is there.
    ///
    /// # Errors
    /// [`JourneyError`].
    pub async fn approve_deletion(&self) -> Result<String, JourneyError> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let page = self.api.get("/v1/operations?limit=500").await?;
            let waits = |operation: &&Value| {
                operation["kind"] == "delete" && operation["state"] == "awaiting_approval"
            };
            if let Some(planned) = page["items"].as_array().into_iter().flatten().find(waits) {
                return self.approve(planned).await;
            }
            if tokio::time::Instant::now() > deadline {
                return Err(JourneyError::Late {
                    what: "the plan of a deletion".to_owned(),
                    seen: page.to_string(),
                });
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    async fn approve(&self, planned: &Value) -> Result<String, JourneyError> {
        let operation = text(&planned["id"], "id")?;
        let hash = text(&planned["plan"]["hash"], "plan.hash")?;
        let path = format!("/v1/operations/{operation}/approve");
        self.api.post(&path, &json!({"plan_hash": hash})).await?;
        Ok(operation)
    }

    /// Waits until an operation has ended well.
    ///
    /// # Errors
    /// [`JourneyError::Late`].
    pub async fn await_operation(&self, operation: &str) -> Result<Value, JourneyError> {
        wait_for(
            &self.api,
            &format!("/v1/operations/{operation}"),
            "state",
            &["succeeded"],
        )
        .await
    }

    /// Makes an API key for a data plane.
    ///
    /// # Errors
    /// [`JourneyError`].
    pub async fn create_api_key(&self, name: &str) -> Result<String, JourneyError> {
        let path = format!("/v1/tenants/{}/api-keys", self.tenant_id);
        let key = self
            .api
            .post(
                &path,
                &json!({"name": name, "scopes": ["usage-write", "usage-read"]}),
            )
            .await?;
        text(&key["secret"], "secret")
    }
}

/// The template's parameters that a connection's view names.
///
/// # Errors
/// [`JourneyError::Missing`].
pub fn parameters(connection: &Value) -> Result<BTreeMap<String, String>, JourneyError> {
    serde_json::from_value(connection["setup"]["parameters"].clone())
        .map_err(|_| JourneyError::Missing("setup.parameters"))
}

/// Asks until a field has one of the wanted values, and gives that reply.
///
/// # Errors
/// [`JourneyError::Late`] when it does not come to pass.
pub async fn wait_for(
    api: &Client,
    path: &str,
    field: &'static str,
    wanted: &[&str],
) -> Result<Value, JourneyError> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let reply = api.get(path).await?;
        let seen = reply[field].as_str().unwrap_or_default();
        if wanted.contains(&seen) {
            return Ok(reply);
        }
        if tokio::time::Instant::now() > deadline {
            let what = format!("{path} to have {field} {}", wanted.join(" or "));
            return Err(JourneyError::Late {
                what,
                seen: reply.to_string(),
            });
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn text(value: &Value, name: &'static str) -> Result<String, JourneyError> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or(JourneyError::Missing(name))
}
