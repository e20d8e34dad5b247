//! One endpoint: the shared core and its services. The registry of services is here.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::control::InventoryItem;
use crate::core::{Core, Roll};
use crate::persist::{self, Files};
use crate::service::{HttpService, Service};
use crate::{Options, StartError};

/// The core and the services of one endpoint.
pub(crate) struct Endpoint {
    pub(crate) core: Arc<Core>,
    pub(crate) services: Vec<Arc<dyn Service>>,
    /// S3, when it is there.
    pub(crate) objects: Option<Arc<dyn HttpService>>,
    /// Where its state survives, unless it lives in memory.
    pub(crate) files: Option<Files>,
    /// The calls in flight; each runs to its end, whoever hangs up.
    pub(crate) calls: TaskTracker,
}

impl Endpoint {
    /// Builds the core and every service, with what `data_dir` holds.
    pub(crate) async fn open(options: &Options) -> Result<Self, StartError> {
        let (files, saved) = Files::open(options).await?;
        let core = Arc::new(Core::new(options, saved.generation));
        let endpoint = Self {
            services: services(&core).await?,
            objects: objects(&core).await?,
            files,
            calls: TaskTracker::new(),
            core,
        };
        endpoint.call_the_roll();
        persist::restore(&endpoint, saved).map_err(|refused| StartError::State {
            path: options.data_dir.clone().unwrap_or_default(),
            source: refused.into(),
        })?;
        if let Some(files) = &endpoint.files {
            files.know(&endpoint).await;
        }
        Ok(endpoint)
    }

    pub(crate) fn service(&self, signing_name: &str) -> Option<&Arc<dyn Service>> {
        self.services
            .iter()
            .find(|service| service.signing_name() == signing_name)
    }

    /// Lets another process, or another endpoint of this one, have the data directory.
    pub(crate) fn release(&self) {
        if let Some(files) = &self.files {
            files.release();
        }
    }

    pub(crate) fn inventory(&self) -> Vec<InventoryItem> {
        self.core.inventory()
    }

    /// Lets the core ask every service for its resources. It must not keep them alive, as they keep it alive.
    fn call_the_roll(&self) {
        let services = self.services.iter().map(|service| {
            let service = Arc::downgrade(service);
            let roll: Roll = Box::new(move |core| {
                let service = service.upgrade();
                service.map(|service| service.inventory(core)).unwrap_or_default()
            });
            roll
        });
        let objects = self.objects.iter().map(|objects| {
            let objects = Arc::downgrade(objects);
            let roll: Roll = Box::new(move |core| {
                let objects = objects.upgrade();
                objects.map(|objects| objects.inventory(core)).unwrap_or_default()
            });
            roll
        });
        let rolls: Vec<Roll> = services.chain(objects).collect();
        assert!(self.core.rolls.set(rolls).is_ok(), "an endpoint is opened once");
    }
}

/// Every service behind the query, EC2, JSON and REST protocols. To add one, implement [`Service`] and name it here.
async fn services(core: &Arc<Core>) -> Result<Vec<Arc<dyn Service>>, StartError> {
    Ok(vec![
        Arc::new(crate::sts::Sts),
        Arc::new(crate::iam::Iam),
        Arc::new(crate::cloudformation::CloudFormation::default()),
        Arc::clone(&core.peers.ec2) as Arc<dyn Service>,
        Arc::clone(&core.peers.elbv2) as Arc<dyn Service>,
        Arc::clone(&core.peers.autoscaling) as Arc<dyn Service>,
        Arc::clone(&core.peers.route53) as Arc<dyn Service>,
        Arc::clone(&core.peers.rds) as Arc<dyn Service>,
        Arc::clone(&core.peers.service_quotas) as Arc<dyn Service>,
        Arc::clone(&core.peers.kms) as Arc<dyn Service>,
        Arc::clone(&core.peers.acm) as Arc<dyn Service>,
        Arc::clone(&core.peers.tagging) as Arc<dyn Service>,
        Arc::clone(&core.peers.marketplace) as Arc<dyn Service>,
        Arc::new(crate::cloudtrail::CloudTrail),
        Arc::new(crate::kinesis::Kinesis::open(core)?),
        Arc::clone(&core.peers.redshift_data) as Arc<dyn Service>,
    ])
}

/// The service that speaks HTTP itself.
async fn objects(core: &Arc<Core>) -> Result<Option<Arc<dyn HttpService>>, StartError> {
    Ok(Some(Arc::new(crate::s3::S3Endpoint::open(core)?)))
}
