//! COPY's manifest: which files to load and how long they are.

use serde::Deserialize;

use super::load::CopyError;

/// Most bytes of a manifest read here.
const MANIFEST_BYTES_MAX: usize = 16 << 20;

#[derive(Deserialize)]
struct Manifest {
    entries: Vec<Entry>,
}

/// One file of a manifest.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    pub(super) url: String,
    /// Whether COPY fails when the file is missing; false unless said.
    #[serde(default)]
    pub(super) mandatory: bool,
    meta: Option<Meta>,
}

#[derive(Debug, Deserialize)]
struct Meta {
    content_length: Option<u64>,
}

impl Entry {
    /// Bucket and key.
    pub(super) fn place(&self) -> Result<(&str, &str), CopyError> {
        let place = self
            .url
            .strip_prefix("s3://")
            .and_then(|place| place.split_once('/'));
        place.ok_or_else(|| {
            CopyError::new(format!(
                "The manifest names '{}', which is no S3 object",
                self.url
            ))
        })
    }

    /// The length that columnar files must give.
    pub(super) fn content_length(&self) -> Result<u64, CopyError> {
        let length = self.meta.as_ref().and_then(|meta| meta.content_length);
        length.ok_or_else(|| {
            CopyError::new(format!(
                "The manifest gives no meta.content_length for {}",
                self.url
            ))
        })
    }
}

/// Reads a manifest.
pub(super) fn read(text: &[u8]) -> Result<Vec<Entry>, CopyError> {
    if text.len() > MANIFEST_BYTES_MAX {
        return Err(CopyError::new("The manifest file is too large"));
    }
    let manifest: Manifest = serde_json::from_slice(text).map_err(|error| {
        CopyError::new(format!(
            "The manifest file is not in correct json format: {error}"
        ))
    })?;
    Ok(manifest.entries)
}
