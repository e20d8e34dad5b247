//! What a measured process says about itself when its load is done, ours and the peers' alike.

use std::time::Instant;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// Clock ticks of `/proc/<pid>/stat` in a second: fixed for user space on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A load under way.
pub(crate) struct Load {
    begun: Instant,
    cpu_before: f64,
}

/// A load that is done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) lists: u64,
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_rss_mib: u64,
}

impl Load {
    pub(crate) fn begin() -> anyhow::Result<Self> {
        Ok(Self {
            begun: Instant::now(),
            cpu_before: cpu()?,
        })
    }

    pub(crate) fn end(self, lists: u64) -> anyhow::Result<Done> {
        Ok(Done {
            lists,
            seconds: self.begun.elapsed().as_secs_f64(),
            cpu_seconds: cpu()? - self.cpu_before,
            peak_rss_mib: peak_rss_kib()? / 1_024,
        })
    }
}

impl Done {
    /// Two rounds of one load.
    pub(crate) fn and(self, other: &Self) -> Self {
        Self {
            lists: self.lists + other.lists,
            seconds: self.seconds + other.seconds,
            cpu_seconds: self.cpu_seconds + other.cpu_seconds,
            peak_rss_mib: self.peak_rss_mib.max(other.peak_rss_mib),
        }
    }
}

fn cpu() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("a stat line has a name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks: u32 = fields[11].parse::<u32>()? + fields[12].parse::<u32>()?;
    Ok(f64::from(ticks) / TICKS_PER_SECOND)
}

fn peak_rss_kib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    Ok(number.context("Linux says the peak")?.parse()?)
}
