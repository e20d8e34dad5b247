//! `tenantry rehearse-worker`: a worker of provisioning as a process of its own, which halts where it is told.
//!
//! It makes the passes that `tenantry serve tenant-provisioning` makes, on the same settings. What is added stands at
//! two places that everything passes: AWS's wire and the commits of the database. Orders come by standard input:
//!
//! - `list`: say each point as it is passed, halt at none;
//! - `halt N`: halt at the N-th point from here; `halt-unlocked N`: of those at which no transaction is open;
//! - `go`: make passes until nothing is due, a pass was overtaken, or one that was halted has ended;
//! - `on`: go on from where it halts, and halt no more.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use aws_access::{Aws, CallObserver};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use service_kit::auth::{Authority, AuthoritySettings, NoCredentials};
use service_kit::{Chain, Kit, KitSettings};
use tenant_model::TenantId;
use tenant_provisioning::{App, Pass, pass};
use tenant_store::{CommitObserver, Stores};
use tenantry::Settings;
use tokio::sync::{Notify, mpsc};

/// Works by order until its input ends.
pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let settings = Settings::from_environment()?;
    let post = Arc::new(Post::default());
    let calls = Arc::clone(&post) as Arc<dyn CallObserver>;
    let commits = Arc::clone(&post) as Arc<dyn CommitObserver>;
    let app = App {
        kit: Kit::new(KitSettings {
            authority: Authority::generate(AuthoritySettings::default())?,
            credentials: Arc::new(NoCredentials),
            limits: settings.limits,
            https: settings.https,
            trusted_proxies: settings.trusted_proxies,
        }),
        stores: Stores::connect_observed(&settings.stores, Some(commits)).await?,
        aws: Aws::connect_observed(settings.aws, Some(calls)).await,
        config: settings.services.provisioning,
    };
    let worker = format!("rehearsal-{}", app.kit.ids.uuid());
    let mut going = listen(Arc::clone(&post));
    println!("ready");
    while going.recv().await.is_some() {
        go(&app, &worker, &post).await;
    }
    Ok(ExitCode::SUCCESS)
}

async fn go(app: &App, worker: &str, post: &Post) {
    loop {
        match pass(app, worker).await {
            Ok(Pass::Idle) => return println!("ended idle"),
            Ok(Pass::Overtaken) => return println!("ended overtaken"),
            Ok(Pass::Worked) if post.has_halted() => return println!("ended worked"),
            Ok(Pass::Worked) => {}
            Err(error) => return println!("failed {}", Chain(&error)),
        }
    }
}

/// Reads orders beside the passes, so that one that halts can be let go on. Reading blocks, hence a thread.
fn listen(post: Arc<Post>) -> mpsc::Receiver<()> {
    let (sender, going) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let (word, number) = line.split_once(' ').unwrap_or((&line, ""));
            let left = number.parse().unwrap_or(0);
            match word {
                "list" => post.take(Order::List),
                "halt" => post.take(Order::Halt {
                    left,
                    unlocked: false,
                }),
                "halt-unlocked" => post.take(Order::Halt { left, unlocked: true }),
                "on" => post.released.notify_one(),
                "go" if sender.blocking_send(()).is_ok() => {}
                _ => return,
            }
        }
    });
    going
}

#[derive(Debug)]
enum Order {
    /// Nothing was asked for.
    Pass,
    List,
    Halt {
        left: u64,
        unlocked: bool,
    },
    /// It has halted once.
    Halted,
}

/// Stands where everything passes.
#[derive(Debug)]
struct Post {
    state: Mutex<State>,
    released: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    order: Order,
    /// How often each kind of point was passed: tells two of one kind apart.
    passed: HashMap<String, u32>,
}

impl Default for Post {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                order: Order::Pass,
                passed: HashMap::new(),
            }),
            released: Arc::default(),
        }
    }
}

impl Post {
    fn take(&self, order: Order) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State {
            order,
            passed: HashMap::new(),
        };
    }

    fn has_halted(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(state.order, Order::Halted)
    }

    fn meet(&self, kind: &str, locked: bool) -> BoxFuture<'static, ()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let times = state.passed.entry(kind.to_owned()).or_default();
        *times += 1;
        let point = format!("{kind} {times}");
        match &mut state.order {
            Order::Pass | Order::Halted => ready(()).boxed(),
            Order::List => {
                println!("passed {point}");
                ready(()).boxed()
            }
            Order::Halt { unlocked: true, .. } if locked => ready(()).boxed(),
            Order::Halt { left, .. } if *left > 1 => {
                *left -= 1;
                ready(()).boxed()
            }
            Order::Halt { .. } => {
                state.order = Order::Halted;
                println!("halted {point}");
                let released = Arc::clone(&self.released);
                async move { released.notified().await }.boxed()
            }
        }
    }
}

impl CallObserver for Post {
    fn before(&self, operation: &str) -> BoxFuture<'static, ()> {
        self.meet(&format!("before {}", named(operation)), false)
    }

    fn after(&self, operation: &str) -> BoxFuture<'static, ()> {
        self.meet(&format!("after {}", named(operation)), false)
    }
}

impl CommitObserver for Post {
    fn before(&self, _tenant_id: TenantId) -> tenant_store::Pause {
        self.meet("before commit", true)
    }

    fn after(&self, _tenant_id: TenantId) -> tenant_store::Pause {
        self.meet("after commit", false)
    }
}

/// The REST protocols name no operation in their requests.
fn named(operation: &str) -> &str {
    if operation.is_empty() { "call" } else { operation }
}
