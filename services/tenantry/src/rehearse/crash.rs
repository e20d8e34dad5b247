//! Workers that are killed: at a drawn call to AWS, before it is sent or when its answer is there.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_access::{CallObserver, StepClass, session_policy::STEP_CLASSES};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, pending, ready};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::Notify;

const MILLION: u32 = 1_000_000;

/// Stands between the workers and AWS. A call it kills at never returns; whoever awaits [`Reaper::killed`] drops it.
#[derive(Debug)]
pub(super) struct Reaper {
    per_million: u32,
    draws: Mutex<StdRng>,
    kills: AtomicU64,
    killed: Notify,
}

impl Reaper {
    /// Kills at `per_million` of a million calls that change something; which ones, the seed decides.
    pub(super) fn new(seed: u64, per_million: u32) -> Self {
        Self {
            per_million,
            draws: Mutex::new(StdRng::seed_from_u64(seed)),
            kills: AtomicU64::new(0),
            killed: Notify::new(),
        }
    }

    /// Returns when a worker has met its last call.
    pub(super) async fn killed(&self) {
        self.killed.notified().await;
    }

    /// How many it killed.
    pub(super) fn kills(&self) -> u64 {
        self.kills.load(Ordering::Relaxed)
    }

    fn meet(&self, operation: &str) -> BoxFuture<'static, ()> {
        if !changes(operation) || !self.draw() {
            return ready(()).boxed();
        }
        self.kills.fetch_add(1, Ordering::Relaxed);
        self.killed.notify_one();
        pending().boxed()
    }

    fn draw(&self) -> bool {
        let mut draws = self.draws.lock().expect("no holder panics");
        draws.random_range(0..MILLION) < self.per_million
    }
}

impl CallObserver for Reaper {
    fn before(&self, operation: &str) -> BoxFuture<'static, ()> {
        self.meet(operation)
    }

    fn after(&self, operation: &str) -> BoxFuture<'static, ()> {
        self.meet(operation)
    }
}

fn changes(operation: &str) -> bool {
    STEP_CLASSES
        .into_iter()
        .filter(|class| !class.only_looks())
        .flat_map(StepClass::actions)
        .any(|action| action.split(':').nth(1) == Some(operation))
}
