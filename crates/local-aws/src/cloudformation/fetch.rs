//! Where a template's text comes from: the call itself, or S3.

use crate::cloudformation::template::invalid;
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::Params;
use crate::service::Call;

/// CloudFormation user guide, "CloudFormation quotas".
const BODY_BYTES_MAX: usize = 51_200;
const URL_BYTES_MAX: usize = 1 << 20;

pub(super) async fn template_text(core: &Core, call: &Call, params: &Params) -> Result<String, AwsError> {
    match (params.get("TemplateBody"), params.get("TemplateURL")) {
        (Some(body), None) if body.len() <= BODY_BYTES_MAX => Ok(body.to_owned()),
        (Some(_), None) => Err(invalid(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have \
             length less than or equal to 51200",
        )),
        (None, Some(address)) => fetch(core, call, address).await,
        _ => Err(invalid("Either Template URL or Template Body must be specified.")),
    }
}

/// Reads a template from the endpoint's own S3, whatever host the address has: `…/bucket/key` or `bucket.…/key`.
async fn fetch(core: &Core, call: &Call, address: &str) -> Result<String, AwsError> {
    let refused = |why: &str| {
        invalid(format!(
            "TemplateURL must reference a valid S3 object to which you have access. ({why})"
        ))
    };
    let url = url::Url::parse(address).map_err(|_| refused("not a URL"))?;
    let path = url.path().trim_start_matches('/');
    let virtual_bucket = url
        .host_str()
        .and_then(|host| host.split_once(".s3"))
        .map(|(bucket, _)| bucket);
    let (bucket, key) = match virtual_bucket {
        Some(bucket) => (bucket, path),
        None => path.split_once('/').ok_or_else(|| refused("no key"))?,
    };
    let objects = core.objects.get().ok_or_else(|| refused("no S3"))?;
    let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
    let object = objects
        .read(&call.caller, bucket, &key)
        .await
        .map_err(|error| refused(&error.code))?;
    if object.len() > URL_BYTES_MAX {
        return Err(invalid("Template may not exceed 1000000 bytes in size."));
    }
    String::from_utf8(object.to_vec()).map_err(|_| refused("not text"))
}
