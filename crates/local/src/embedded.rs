//! What `tenantry dev` stands on when nothing else is given: PostgreSQL and AWS in one directory.
//!
//! A database or AWS settings that are given are used, and nothing is started in their place. One
//! process at a time uses a directory. Without a directory everything goes when the process does, as the
//! demo wants it.

use std::fs::{File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use aws_access::{AwsError, AwsSettings};
use local_aws::{LocalAws, Options};
use tenant_store::bootstrap::PrepareError;
use tenant_store::{StoreError, StoreSettings};

use crate::accounts;
use crate::databases::Databases;
use crate::postgres::{Postgres, Search};

/// What is given, and where the rest is kept.
#[derive(Debug)]
pub struct EmbeddedOptions {
    /// Where PostgreSQL's and AWS's state survives a restart; without one nothing is kept.
    pub data_dir: Option<PathBuf>,
    /// Where the local AWS listens; port 0 takes a free one.
    pub aws_listen: SocketAddr,
    /// A prepared database to use instead of a private one.
    pub stores: Option<StoreSettings>,
    /// AWS, or any endpoint, to use instead of the local one.
    pub aws: Option<AwsSettings>,
    /// Where PostgreSQL's programs may be.
    pub search: Search,
}

/// Why the embedded default did not start.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The directory cannot be used.
    #[error("the data directory {} cannot be used", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process works on the directory.
    #[error("another process is using the data directory {}", .0.display())]
    InUse(PathBuf),
    /// No PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] crate::postgres::StartError),
    /// The database could not be made ready.
    #[error("the database could not be made ready")]
    Database(#[from] PrepareError),
    /// The database did not answer.
    #[error("the database did not answer")]
    Store(#[from] StoreError),
    /// The local AWS did not start.
    #[error("the local AWS endpoint did not start")]
    LocalAws(#[from] local_aws::StartError),
    /// The ISV's account on the local AWS could not be furnished.
    #[error("the ISV's account on the local AWS could not be furnished")]
    Founding(#[from] AwsError),
}

/// A running embedded default. [`Embedded::stop`] ends it in order; being killed does as well.
pub struct Embedded {
    /// How to reach the database.
    pub stores: StoreSettings,
    /// How to reach AWS.
    pub aws: AwsSettings,
    /// The local AWS, unless other AWS settings were given.
    pub local_aws: Option<LocalAws>,
    /// The private databases, unless another was given and AWS is not local either.
    pub databases: Option<Databases>,
    postgres: Option<Postgres>,
    /// Held as long as we use the directory.
    _lock: Option<File>,
}

impl Embedded {
    /// Starts what is not given. A second start finds everything as the first left it.
    ///
    /// # Errors
    /// See [`EmbeddedError`]; without PostgreSQL it says what to install.
    pub async fn start(options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let lock = options.data_dir.as_deref().map(take).transpose()?;
        // The local warehouse needs a database also when Tenantry's own is given.
        let needs_postgres = options.stores.is_none() || options.aws.is_none();
        let postgres = match needs_postgres {
            true => Some(start_postgres(&options).await?),
            false => None,
        };
        let databases = match &postgres {
            Some(postgres) => Some(Databases::prepare(postgres).await?),
            None => None,
        };
        let (local_aws, aws) = match options.aws {
            Some(given) => (None, given),
            None => {
                let warehouse = databases
                    .as_ref()
                    .map(|databases| databases.warehouse_url.clone());
                let (local_aws, settings) =
                    start_aws(options.data_dir.as_deref(), options.aws_listen, warehouse).await?;
                (Some(local_aws), settings)
            }
        };
        let private = databases.as_ref().map(Databases::store_settings);
        let stores = options
            .stores
            .or(private)
            .expect("without given stores there is a private database");
        Ok(Self {
            stores,
            aws,
            local_aws,
            databases,
            postgres,
            _lock: lock,
        })
    }

    /// Writes AWS's state and shuts PostgreSQL down, if they are ours.
    pub async fn stop(self) {
        if let Some(local_aws) = self.local_aws
            && let Err(error) = local_aws.stop().await
        {
            tracing::error!(%error, "the local AWS could not write its last state");
        }
        if let Some(postgres) = self.postgres {
            // A join error would mean that stopping panicked; the server's supervisor stops it then.
            let _stopped = tokio::task::spawn_blocking(move || postgres.stop()).await;
        }
    }
}

fn take(data_dir: &Path) -> Result<File, EmbeddedError> {
    let failed = |source| EmbeddedError::Directory {
        path: data_dir.to_owned(),
        source,
    };
    std::fs::create_dir_all(data_dir).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(data_dir.join("in-use.lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EmbeddedError::InUse(data_dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

async fn start_postgres(options: &EmbeddedOptions) -> Result<Postgres, EmbeddedError> {
    let (data_dir, search) = (options.data_dir.clone(), options.search.clone());
    let start = move || match data_dir {
        Some(data_dir) => Postgres::start_near(&data_dir.join("postgres"), &search),
        None => Postgres::start_throwaway(&search),
    };
    Ok(tokio::task::spawn_blocking(start)
        .await
        .expect("starting a server does not panic")?)
}

async fn start_aws(
    data_dir: Option<&Path>,
    listen: SocketAddr,
    warehouse_url: Option<String>,
) -> Result<(LocalAws, AwsSettings), EmbeddedError> {
    let options = Options {
        listen,
        data_dir: data_dir.map(|data_dir| data_dir.join("aws")),
        warehouse_url,
        ..Options::default()
    };
    let local_aws = LocalAws::start(options).await?;
    accounts::found(&local_aws).await?;
    let settings = accounts::control_plane(&local_aws);
    Ok((local_aws, settings))
}
