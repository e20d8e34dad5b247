//! What is the endpoint's own and no behaviour of AWS: its control surface, what survives a restart or a kill, and that
//! many endpoints live side by side.

mod disks;
mod hang_ups;
mod kills;
mod restarts;
mod rules;
mod side_by_side;
mod snapshots;
mod surface;

use std::path::Path;

use conformance::local_aws::Options;

/// The options of an endpoint over a data directory.
fn over(directory: &Path) -> Options {
    Options {
        data_dir: Some(directory.to_owned()),
        ..Options::default()
    }
}
