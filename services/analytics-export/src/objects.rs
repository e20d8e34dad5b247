//! Writing an object so that it is there whole, once, and as we meant it — whatever happened on the way.

use aws_access::AwsErrorKind;
use aws_access::s3::{Head, Put};
use bytes::Bytes;
use tenant_model::export::Sha256Hex;

use crate::{App, PassError};

/// Makes sure that `key` holds exactly `content`.
///
/// An object that is there already is accepted if size and hash agree: it is our own of an earlier attempt, or
/// another worker's of the same batch. A lost answer is settled by looking.
///
/// # Errors
/// [`PassError::ForeignObject`] when the key holds something else, which is for an operator to look at.
pub(crate) async fn store(app: &App, key: &str, content: Bytes, sha256: &Sha256Hex) -> Result<(), PassError> {
    let bytes = i64::try_from(content.len()).unwrap_or(i64::MAX);
    let written = app.bucket.put_if_absent(key, content, sha256).await;
    let failure = match written {
        Ok(Put::Created) => return Ok(()),
        Ok(Put::Exists) => None,
        Err(error) if error.kind == AwsErrorKind::Unknown => Some(error),
        Err(error) => return Err(error.into()),
    };
    match (app.bucket.head(key).await?, failure) {
        (Some(head), _) if is_ours(&head, bytes, sha256) => Ok(()),
        (Some(_), _) => Err(PassError::ForeignObject { key: key.to_owned() }),
        (None, Some(error)) => Err(error.into()),
        // Refused as existing and yet not there: somebody removed it in between. The next pass writes it.
        (None, None) => Err(PassError::VanishedObject { key: key.to_owned() }),
    }
}

fn is_ours(head: &Head, bytes: i64, sha256: &Sha256Hex) -> bool {
    head.bytes == bytes && head.sha256.as_ref() == Some(sha256)
}
