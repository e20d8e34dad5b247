//! What every part of a service holds: time, ids, shutdown, identity.

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::auth::{Authority, AuthorityError, AuthoritySettings, CredentialStore, Passwords};
use crate::limits::{LimitSettings, Limits};
use crate::{Clock, Ids};

/// The process's surroundings, cheap to clone, handed to each service at its start.
#[derive(Clone)]
pub struct Kit {
    /// The time.
    pub clock: Clock,
    /// Ids and secrets.
    pub ids: Ids,
    /// Cancelled when the process should end: finish the step in hand, release leases, return.
    pub stopping: CancellationToken,
    /// Every task, so that a shutdown waits for them.
    pub tasks: TaskTracker,
    /// Access tokens.
    pub authority: Arc<Authority>,
    /// Stored credentials.
    pub credentials: Arc<dyn CredentialStore>,
    /// Password hashing.
    pub passwords: Passwords,
    /// Rate limits.
    pub limits: Arc<Limits>,
    /// Whether browsers reach us by https, which decides the session cookie's name and flags.
    pub https: bool,
    /// How many proxies of ours stand before us and append to `X-Forwarded-For`.
    pub trusted_proxies: usize,
}

impl std::fmt::Debug for Kit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kit")
    }
}

/// What a process decides about its kit.
pub struct KitSettings {
    /// Issues and checks access tokens.
    pub authority: Authority,
    /// Looks credentials up.
    pub credentials: Arc<dyn CredentialStore>,
    /// Rate limits.
    pub limits: LimitSettings,
    /// Whether browsers reach us by https.
    pub https: bool,
    /// How many proxies of ours stand before us.
    pub trusted_proxies: usize,
}

impl Kit {
    /// The kit of a process: the system's clock and randomness.
    #[must_use]
    pub fn new(settings: KitSettings) -> Self {
        let clock = Clock::system();
        let ids = Ids::random(clock.clone());
        Self::with(clock, ids, settings)
    }

    /// A kit for tests: time stands at `now`, ids repeat with `seed`.
    ///
    /// # Errors
    /// When the system has no randomness for the signing keys.
    pub fn manual(
        now: DateTime<Utc>,
        seed: u64,
        credentials: Arc<dyn CredentialStore>,
    ) -> Result<Self, AuthorityError> {
        let clock = Clock::manual(now);
        let ids = Ids::seeded(clock.clone(), seed);
        let settings = KitSettings {
            authority: Authority::generate(AuthoritySettings::default())?,
            credentials,
            limits: LimitSettings::local(),
            https: false,
            trusted_proxies: 0,
        };
        Ok(Self::with(clock, ids, settings))
    }

    fn with(clock: Clock, ids: Ids, settings: KitSettings) -> Self {
        Self {
            passwords: Passwords::new(ids.clone()),
            limits: Arc::new(Limits::new(&settings.limits, &clock)),
            clock,
            ids,
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            authority: Arc::new(settings.authority),
            credentials: settings.credentials,
            https: settings.https,
            trusted_proxies: settings.trusted_proxies,
        }
    }

    /// Starts a worker that a shutdown waits for. A panic in it is logged and ends only itself.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let task = self
            .tasks
            .spawn(work.instrument(tracing::info_span!("worker", name)));
        self.tasks.spawn(async move {
            if let Err(error) = task.await
                && error.is_panic()
            {
                tracing::error!(name, "a worker panicked and stopped");
            }
        });
    }

    /// Asks all tasks to end and waits for them, at most `patience`. False when some did not end in time.
    pub async fn shut_down(&self, patience: std::time::Duration) -> bool {
        self.stopping.cancel();
        self.tasks.close();
        tokio::time::timeout(patience, self.tasks.wait()).await.is_ok()
    }
}
