//! Checksums of object data: what a writer claims, what we compute, and that they agree.
//!
//! A claim comes in a header, or in a trailer after the body; a trailer's algorithm is announced up front. Without a
//! claim S3 computes CRC64NVME of its own. Source: S3 user guide, "Checking object integrity in Amazon S3".

use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders, dto};
use serde::{Deserialize, Serialize};

/// Base64 checksums by algorithm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksums {
    pub(crate) crc32: Option<String>,
    pub(crate) crc32c: Option<String>,
    pub(crate) crc64nvme: Option<String>,
    pub(crate) sha1: Option<String>,
    pub(crate) sha256: Option<String>,
    /// True when the value is a checksum of part checksums.
    pub(crate) composite: bool,
}

/// The algorithms of S3, by the name of their field.
pub(crate) const ALGORITHMS: [&str; 5] = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"];

impl Checksums {
    /// The value of one algorithm.
    pub(crate) fn get(&self, algorithm: &str) -> Option<&str> {
        match algorithm {
            "CRC32" => self.crc32.as_deref(),
            "CRC32C" => self.crc32c.as_deref(),
            "CRC64NVME" => self.crc64nvme.as_deref(),
            "SHA1" => self.sha1.as_deref(),
            "SHA256" => self.sha256.as_deref(),
            _ => None,
        }
    }

    fn set(&mut self, algorithm: &str, value: String) {
        let field = match algorithm {
            "CRC32" => &mut self.crc32,
            "CRC32C" => &mut self.crc32c,
            "CRC64NVME" => &mut self.crc64nvme,
            "SHA1" => &mut self.sha1,
            "SHA256" => &mut self.sha256,
            _ => return,
        };
        *field = Some(value);
    }

    /// The first algorithm that has a value.
    pub(crate) fn algorithm(&self) -> Option<&'static str> {
        ALGORITHMS
            .into_iter()
            .find(|algorithm| self.get(algorithm).is_some())
    }

    /// `COMPOSITE` or `FULL_OBJECT`, when there is a checksum.
    pub(crate) fn kind(&self) -> Option<dto::ChecksumType> {
        let name = if self.composite {
            dto::ChecksumType::COMPOSITE
        } else {
            dto::ChecksumType::FULL_OBJECT
        };
        self.algorithm().map(|_| dto::ChecksumType::from_static(name))
    }
}

impl From<dto::Checksum> for Checksums {
    fn from(computed: dto::Checksum) -> Self {
        Self {
            crc32: computed.checksum_crc32,
            crc32c: computed.checksum_crc32c,
            crc64nvme: computed.checksum_crc64nvme,
            sha1: computed.checksum_sha1,
            sha256: computed.checksum_sha256,
            composite: false,
        }
    }
}

/// What the writer claims about a body before it is read.
pub(crate) struct Claim {
    pub(crate) values: Checksums,
    /// Content-MD5, base64.
    pub(crate) md5: Option<String>,
    /// An algorithm named without a value: the value comes in a trailer, or S3 shall compute it.
    pub(crate) announced: Option<String>,
    pub(crate) trailers: Option<TrailingHeaders>,
}

impl Claim {
    /// Reads the announcement of a trailer: `x-amz-trailer: x-amz-checksum-crc32`.
    pub(crate) fn announced(
        headers: &http::HeaderMap,
        named: Option<&dto::ChecksumAlgorithm>,
    ) -> Option<String> {
        let trailer = headers.get("x-amz-trailer").and_then(|value| value.to_str().ok());
        let from_trailer = trailer.and_then(|names| {
            let names = names.to_ascii_lowercase();
            ALGORITHMS.into_iter().find(|algorithm| {
                names
                    .split(',')
                    .any(|name| name.trim() == format!("x-amz-checksum-{}", algorithm.to_ascii_lowercase()))
            })
        });
        from_trailer
            .map(str::to_owned)
            .or_else(|| named.map(|named| named.as_str().to_owned()))
    }

    /// Whether anything is claimed at all.
    pub(crate) fn is_made(&self) -> bool {
        self.md5.is_some() || self.announced.is_some() || self.values.algorithm().is_some()
    }

    /// The hashers this claim needs.
    pub(crate) fn hasher(&self) -> ChecksumHasher {
        let mut wanted: Vec<&str> = ALGORITHMS
            .into_iter()
            .filter(|algorithm| self.values.get(algorithm).is_some())
            .collect();
        wanted.extend(self.announced.as_deref());
        if wanted.is_empty() {
            wanted.push("CRC64NVME");
        }
        hasher(&wanted)
    }

    /// Compares the claim, trailers included, with what was computed. Call it after the body's end.
    pub(crate) fn check(&self, computed: &Checksums, md5: &[u8]) -> S3Result<()> {
        if let Some(claimed) = &self.md5 {
            let claimed = data_encoding::BASE64
                .decode(claimed.as_bytes())
                .ok()
                .filter(|bytes| bytes.len() == 16);
            let claimed = claimed.ok_or_else(|| S3Error::new(S3ErrorCode::InvalidDigest))?;
            if claimed != md5 {
                return Err(bad_digest("Content-MD5"));
            }
        }
        for algorithm in ALGORITHMS {
            let claimed = self
                .values
                .get(algorithm)
                .map(str::to_owned)
                .or_else(|| self.trailer(algorithm));
            if claimed.is_some() && claimed.as_deref() != computed.get(algorithm) {
                return Err(bad_digest(algorithm));
            }
        }
        Ok(())
    }

    fn trailer(&self, algorithm: &str) -> Option<String> {
        let name = format!("x-amz-checksum-{}", algorithm.to_ascii_lowercase());
        let read = |headers: &http::HeaderMap| {
            headers
                .get(&name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        self.trailers
            .as_ref()
            .and_then(|trailers| trailers.read(read))
            .flatten()
    }
}

fn bad_digest(what: &str) -> S3Error {
    S3Error::with_message(
        S3ErrorCode::BadDigest,
        format!("The {what} you specified did not match the calculated checksum."),
    )
}

/// Hashers for the named algorithms.
pub(crate) fn hasher(algorithms: &[&str]) -> ChecksumHasher {
    let wants = |name| algorithms.contains(&name);
    ChecksumHasher {
        crc32: wants("CRC32").then(Crc32::new),
        crc32c: wants("CRC32C").then(Crc32c::new),
        sha1: wants("SHA1").then(Sha1::new),
        sha256: wants("SHA256").then(Sha256::new),
        crc64nvme: wants("CRC64NVME").then(Crc64Nvme::new),
    }
}

/// The checksum of part checksums that S3 gives a multipart object: `<base64>-<parts>`.
pub(crate) fn composite(algorithm: &str, parts: &[&str]) -> Option<Checksums> {
    let mut together = hasher(&[algorithm]);
    for part in parts {
        together.update(&data_encoding::BASE64.decode(part.as_bytes()).ok()?);
    }
    let value = Checksums::from(together.finalize())
        .get(algorithm)
        .map(|value| format!("{value}-{}", parts.len()))?;
    let mut checksums = Checksums {
        composite: true,
        ..Checksums::default()
    };
    checksums.set(algorithm, value);
    Some(checksums)
}
