//! What stands behind a case: an endpoint in this process, any other endpoint, or AWS.

use aws_config::BehaviorVersion;
use chrono::TimeDelta;
use local_aws::{Control, LocalAws, Options};

use crate::Account;

const REGION: &str = "eu-central-1";
/// The accounts on an endpoint that knows them by their number.
const LOCAL_ACCOUNTS: [&str; 3] = ["111111111111", "222222222222", "333333333333"];

/// AWS, as one case sees it.
pub struct Aws {
    accounts: Vec<Account>,
    endpoint: Option<String>,
    local: Option<LocalAws>,
    region: String,
}

/// Whatever the settings name. See the crate's page.
///
/// # Panics
/// When the endpoint does not start or the profiles are not configured.
pub async fn aws() -> Aws {
    if std::env::var("CONFORMANCE_ON_AWS").is_ok_and(|answer| answer == "yes") {
        return Aws::real().await;
    }
    match std::env::var("ENDPOINT") {
        Ok(endpoint) => Aws::at(endpoint, None),
        Err(_) => Aws::local(Options::default()).await,
    }
}

/// An endpoint whose clock, latency and faults the case may command; `None`, said aloud, where there is none.
pub async fn controlled() -> Option<Aws> {
    controlled_with(Options::default()).await
}

/// The same with options of its own: a data directory, a warehouse, a seed.
pub async fn controlled_with(options: Options) -> Option<Aws> {
    let foreign = ["CONFORMANCE_ON_AWS", "ENDPOINT"]
        .into_iter()
        .find(|setting| std::env::var_os(setting).is_some());
    if let Some(setting) = foreign {
        eprintln!("skipped: the case commands the clock or faults, which {setting} does not offer");
        return None;
    }
    Some(Aws::local(options).await)
}

impl Aws {
    async fn local(options: Options) -> Self {
        let local = LocalAws::start(options).await.expect("the endpoint starts");
        Self::at(local.endpoint(), Some(local))
    }

    /// AWS at another endpoint that knows accounts by their number: one in a process of its own.
    #[must_use]
    pub fn reached_at(endpoint: &str) -> Self {
        Self::at(endpoint.to_owned(), None)
    }

    fn at(endpoint: String, local: Option<LocalAws>) -> Self {
        let accounts = LOCAL_ACCOUNTS.map(|id| Account::local(id, &endpoint, REGION));
        Self {
            accounts: accounts.into(),
            endpoint: Some(endpoint),
            local,
            region: REGION.to_owned(),
        }
    }

    async fn real() -> Self {
        let profiles =
            std::env::var("CONFORMANCE_PROFILES").expect("CONFORMANCE_PROFILES names the accounts");
        let mut accounts = Vec::new();
        for profile in profiles.split(',') {
            let loaded = aws_config::defaults(BehaviorVersion::latest()).profile_name(profile);
            let config = loaded.load().await;
            let id = std::env::var(format!("CONFORMANCE_ACCOUNT_{}", profile.to_uppercase()));
            let id = id.expect("CONFORMANCE_ACCOUNT_<PROFILE> holds the account's number");
            accounts.push(Account { id, config });
        }
        let region = accounts.first().and_then(|account| account.config.region());
        Self {
            region: region.map_or(REGION.to_owned(), ToString::to_string),
            accounts,
            endpoint: None,
            local: None,
        }
    }

    /// The account of the operator.
    #[must_use]
    pub fn vendor(&self) -> &Account {
        self.account(0)
    }

    /// The account of a customer.
    #[must_use]
    pub fn customer(&self) -> &Account {
        self.account(1)
    }

    /// A third account.
    #[must_use]
    pub fn stranger(&self) -> &Account {
        self.account(2)
    }

    fn account(&self, number: usize) -> &Account {
        let missing = "the case needs as many accounts: name them in CONFORMANCE_PROFILES";
        self.accounts.get(number).expect(missing)
    }

    /// The region of the accounts' settings.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The endpoint's address, for a case that speaks HTTP itself; none on AWS.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// The control surface of a [`controlled`] endpoint.
    ///
    /// # Panics
    /// Elsewhere: a case that needs it begins with [`controlled`].
    #[must_use]
    pub fn control(&self) -> Control {
        self.local
            .as_ref()
            .expect("the case began with `controlled`")
            .control()
    }

    /// Moves the clock of a [`controlled`] endpoint.
    pub fn advance(&self, by: TimeDelta) {
        self.control().advance(by);
    }

    /// A name that no other case uses: `conformance-<stem>-<ten digits>`.
    #[must_use]
    pub fn name(&self, stem: &str) -> String {
        let id = uuid::Uuid::new_v4().simple().to_string();
        format!("conformance-{stem}-{}", &id[..10])
    }

    /// Leaves a [`controlled`] endpoint as kill -9 would: nothing is stopped, flushed or written.
    ///
    /// # Panics
    /// Elsewhere: a case that needs it begins with [`controlled`].
    pub fn kill(self) {
        drop(self.local.expect("the case began with `controlled`"));
    }

    /// Stops a [`controlled`] endpoint as a clean shutdown does, so that a case can start it again.
    ///
    /// # Panics
    /// When the last state cannot be written.
    pub async fn stop(self) {
        let local = self.local.expect("the case began with `controlled`");
        local.stop().await.expect("the last state is written");
    }
}
