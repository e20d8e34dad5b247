//! Bytes of objects and parts, in memory or in files.
//!
//! A file holds the content, then its facts as JSON, then the length of that JSON and a mark. It is written beside its
//! final name, synced and renamed, so a file with a final name is whole; anything else is swept at start.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use md5::{Digest, Md5};
use s3s::checksum::ChecksumHasher;
use s3s::{S3Error, S3ErrorCode, S3Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt;

use super::checksum::Checksums;
use super::mishap;

/// Largest single put; API_PutObject.
const PUT_BYTES_MAX: u64 = 5 << 30;
/// Largest object without a data directory: it lives in memory.
const MEMORY_OBJECT_BYTES_MAX: u64 = 1 << 30;
/// How much of a file is read at a time.
const CHUNK_BYTES: u64 = 1 << 20;
const MARK: &[u8; 8] = b"s3whole1";

/// Where bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// In memory.
    Memory(Bytes),
    /// The first bytes of a file.
    File(Arc<PathBuf>),
}

/// A body that has been read to its end and is not yet an object.
pub(crate) struct Spooled {
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) checksums: Checksums,
    body: Body,
}

enum Body {
    Memory(Bytes),
    File(Temporary),
}

/// A file that disappears unless it is kept.
struct Temporary {
    path: PathBuf,
    file: Option<tokio::fs::File>,
    kept: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            // A file that stays is swept at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Reads a body to its end. `directory` is where files go; without one the body stays in memory.
pub(crate) async fn spool<S, E>(
    body: S,
    directory: Option<&Path>,
    mut hasher: ChecksumHasher,
) -> S3Result<Spooled>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    S3Error: From<ReadError<E>>,
{
    let mut body = body;
    let mut sink = Sink::open(directory).await?;
    let (mut md5, mut size) = (Md5::new(), 0_u64);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(ReadError)?;
        size += chunk.len() as u64;
        if size > sink.bytes_max() {
            return Err(S3Error::with_message(
                S3ErrorCode::EntityTooLarge,
                "the body is larger than one put may be",
            ));
        }
        md5.update(&chunk);
        hasher.update(&chunk);
        sink.write(&chunk).await.map_err(S3Error::internal_error)?;
    }
    let checksums = Checksums::from(hasher.finalize());
    Ok(Spooled {
        size,
        md5: md5.finalize().into(),
        checksums,
        body: sink.close(),
    })
}

/// The body broke off while it was read.
pub(crate) struct ReadError<E>(E);

impl From<ReadError<s3s::StdError>> for S3Error {
    fn from(ReadError(error): ReadError<s3s::StdError>) -> Self {
        match error.downcast::<S3Error>() {
            Ok(refusal) => *refusal,
            Err(error) => Self::with_source(S3ErrorCode::IncompleteBody, error),
        }
    }
}

impl From<ReadError<io::Error>> for S3Error {
    fn from(ReadError(error): ReadError<io::Error>) -> Self {
        Self::internal_error(error)
    }
}

enum Sink {
    Memory(BytesMut),
    File(Temporary),
}

impl Sink {
    async fn open(directory: Option<&Path>) -> S3Result<Self> {
        let Some(directory) = directory else {
            return Ok(Self::Memory(BytesMut::new()));
        };
        let path = directory.join(format!("{}.new", uuid::Uuid::new_v4()));
        let file = tokio::fs::File::create_new(&path)
            .await
            .map_err(S3Error::internal_error)?;
        Ok(Self::File(Temporary {
            path,
            file: Some(file),
            kept: false,
        }))
    }

    fn bytes_max(&self) -> u64 {
        match self {
            Self::Memory(_) => MEMORY_OBJECT_BYTES_MAX,
            Self::File(_) => PUT_BYTES_MAX,
        }
    }

    async fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        match self {
            Self::Memory(bytes) => bytes.extend_from_slice(chunk),
            Self::File(temporary) => {
                if let Some(file) = &mut temporary.file {
                    file.write_all(chunk).await?;
                }
            }
        }
        // After the bytes: a disk that is full has taken some of them.
        mishap::refuse_full_disk()
    }

    fn close(self) -> Body {
        match self {
            Self::Memory(bytes) => Body::Memory(bytes.freeze()),
            Self::File(temporary) => Body::File(temporary),
        }
    }
}

impl Spooled {
    /// The MD5 as S3 writes it in an ETag.
    pub(crate) fn etag(&self) -> String {
        hex::encode(self.md5)
    }

    /// Writes the facts behind the content and makes both durable under a temporary name.
    pub(crate) async fn seal(self, facts: &impl Serialize) -> io::Result<Sealed> {
        mishap::refuse_full_disk()?;
        let mut temporary = match self.body {
            Body::Memory(bytes) => return Ok(Sealed(Body::Memory(bytes))),
            Body::File(temporary) => temporary,
        };
        let tail = tail(facts)?;
        if let Some(mut file) = temporary.file.take() {
            file.write_all(&tail).await?;
            file.flush().await?;
            file.sync_all().await?;
        }
        Ok(Sealed(Body::File(temporary)))
    }
}

/// What follows the content in a file.
fn tail(facts: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut tail = serde_json::to_vec(facts)?;
    let length = u32::try_from(tail.len()).map_err(io::Error::other)?;
    tail.extend_from_slice(&length.to_le_bytes());
    tail.extend_from_slice(MARK);
    Ok(tail)
}

/// Content that only lacks its name.
pub(crate) struct Sealed(Body);

impl Sealed {
    /// The file of a delete marker: no bytes, only facts.
    pub(crate) fn marker(directory: Option<PathBuf>, facts: &impl Serialize) -> io::Result<Self> {
        let Some(directory) = directory else {
            return Ok(Self(Body::Memory(Bytes::new())));
        };
        let path = directory.join(format!("{}.new", uuid::Uuid::new_v4()));
        let mut file = std::fs::File::create_new(&path)?;
        let temporary = Temporary {
            path,
            file: None,
            kept: false,
        };
        io::Write::write_all(&mut file, &tail(facts)?)?;
        file.sync_all()?;
        Ok(Self(Body::File(temporary)))
    }

    /// Gives the content its final name; quick, so that it can be done under a lock.
    pub(crate) fn publish(self, final_path: Option<PathBuf>) -> io::Result<Content> {
        match (self.0, final_path) {
            (Body::Memory(bytes), _) => Ok(Content::Memory(bytes)),
            (Body::File(mut temporary), Some(path)) => {
                std::fs::rename(&temporary.path, &path)?;
                temporary.kept = true;
                Ok(Content::File(Arc::new(path)))
            }
            (Body::File(_), None) => Err(io::Error::other("a file needs a final name")),
        }
    }
}

/// Makes new names in a directory durable.
pub(crate) async fn sync_directory(directory: PathBuf) -> io::Result<()> {
    tokio::task::spawn_blocking(move || std::fs::File::open(directory)?.sync_all())
        .await
        .map_err(io::Error::other)?
}

impl Content {
    /// Streams a range of the content.
    pub(crate) async fn stream(
        &self,
        range: std::ops::Range<u64>,
    ) -> io::Result<stream::BoxStream<'static, io::Result<Bytes>>> {
        match self {
            Self::Memory(bytes) => {
                let part = bytes.slice(to_usize(range.start)..to_usize(range.end));
                Ok(stream::iter((!part.is_empty()).then_some(Ok(part))).boxed())
            }
            Self::File(path) => {
                let path = Arc::clone(path);
                let open = tokio::task::spawn_blocking(move || std::fs::File::open(&*path));
                let file = Arc::new(open.await.map_err(io::Error::other)??);
                Ok(stream::unfold(range.start, move |at| {
                    next_chunk(Arc::clone(&file), at, range.end)
                })
                .boxed())
            }
        }
    }

    /// Reads all `size` bytes.
    pub(crate) async fn read(&self, size: u64) -> io::Result<Bytes> {
        let mut chunks = self.stream(0..size).await?;
        let mut whole = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            if whole.is_empty() && chunk.len() as u64 == size {
                return Ok(chunk);
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Memory(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// Gives the file its second name, without a copy of its bytes; in memory there is nothing to do.
    pub(crate) fn link_to(&self, other: &Self) -> io::Result<()> {
        match (self, other) {
            (Self::File(from), Self::File(to)) => std::fs::hard_link(&**from, &**to),
            _ => Ok(()),
        }
    }

    /// Removes the file, if it is one.
    pub(crate) fn discard(&self) {
        if let Self::File(path) = self {
            // A file that stays is older than its key's newer one and is swept at the next start.
            let _ = std::fs::remove_file(&**path);
        }
    }
}

async fn next_chunk(file: Arc<std::fs::File>, at: u64, end: u64) -> Option<(io::Result<Bytes>, u64)> {
    if at >= end {
        return None;
    }
    let length = CHUNK_BYTES.min(end - at);
    let read = tokio::task::spawn_blocking(move || {
        let mut chunk = vec![0; to_usize(length)];
        file.read_exact_at(&mut chunk, at).map(|()| Bytes::from(chunk))
    });
    let chunk = read.await.map_err(io::Error::other).and_then(|chunk| chunk);
    // After an error the stream ends: the client sees a short body, not a wrong one.
    let next = if chunk.is_ok() { at + length } else { end };
    Some((chunk, next))
}

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Reads the facts of a whole file; `None` for a file that is not one.
pub(crate) fn read_facts<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let file = std::fs::File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut tail = [0; 12];
    let Some(tail_at) = bytes.checked_sub(12) else {
        return Ok(None);
    };
    file.read_exact_at(&mut tail, tail_at)?;
    let (length, mark) = tail.split_at(4);
    let length = u64::from(u32::from_le_bytes([length[0], length[1], length[2], length[3]]));
    let Some(facts_at) = tail_at.checked_sub(length).filter(|_| mark == MARK) else {
        return Ok(None);
    };
    let mut facts = vec![0; to_usize(length)];
    file.read_exact_at(&mut facts, facts_at)?;
    Ok(serde_json::from_slice(&facts).ok())
}
