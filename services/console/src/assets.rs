//! Scripts, styles, fonts and pictures, out of the binary in release and from disk while developing.
//!
//! The address of an asset holds its hash, so it may be kept for ever; the tag that names it carries the same
//! hash as `integrity`. `vendor/` holds other people's files, unmodified; see `vendor.toml` there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use maud::{Markup, html};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha384};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Licences and lists of files lie beside the assets and are not served.
const OPAQUE: &str = "application/octet-stream";

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

struct Asset {
    bytes: Cow<'static, [u8]>,
    media_type: &'static str,
    /// SHA-384 as the `integrity` attribute writes it.
    integrity: String,
    url: String,
}

static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(load);

/// The address of the asset at `path`.
///
/// # Panics
/// If there is no such file; the tests render every page, so they would notice.
pub(crate) fn url(path: &str) -> &'static str {
    &asset(path).url
}

/// The tag that loads a script without holding up the page.
pub(crate) fn script(path: &str) -> Markup {
    let asset = asset(path);
    html! { script src=(asset.url) integrity=(asset.integrity) defer {} }
}

/// The tag that loads a style sheet.
pub(crate) fn stylesheet(path: &str) -> Markup {
    let asset = asset(path);
    html! { link rel="stylesheet" href=(asset.url) integrity=(asset.integrity); }
}

/// Serves `/assets/{hash}/{path}`; a hash of another day is not found, so nobody caches the wrong bytes for it.
pub(crate) async fn serve(Path((hash, path)): Path<(String, String)>) -> Response {
    let Some(asset) = ASSETS
        .get(&path)
        .filter(|asset| asset.url == address(&hash, &path))
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [(CONTENT_TYPE, asset.media_type), (CACHE_CONTROL, IMMUTABLE)];
    (headers, asset.bytes.clone()).into_response()
}

fn asset(path: &str) -> &'static Asset {
    ASSETS
        .get(path)
        .unwrap_or_else(|| panic!("there is no asset {path}"))
}

fn address(hash: &str, path: &str) -> String {
    format!("/assets/{hash}/{path}")
}

fn load() -> BTreeMap<String, Asset> {
    let read = |path: &str| {
        Files::get(path)
            .expect("the folder lists only files that exist")
            .data
    };
    let fonts: Vec<(String, String)> = Files::iter()
        .filter(|path| path.ends_with(".woff2"))
        .map(|path| (format!("asset:{path}"), hashed(&path, read(&path)).url))
        .collect();
    Files::iter()
        .filter(|path| media_type(path) != OPAQUE)
        .map(|path| {
            let bytes = if path == "app.css" {
                with_addresses(&read(&path), &fonts)
            } else {
                read(&path)
            };
            (path.to_string(), hashed(&path, bytes))
        })
        .collect()
}

/// Our own style sheet names fonts as `asset:<path>`; their addresses are known only here.
fn with_addresses(css: &[u8], fonts: &[(String, String)]) -> Cow<'static, [u8]> {
    let css = String::from_utf8_lossy(css).into_owned();
    let css = fonts.iter().fold(css, |css, (name, url)| css.replace(name, url));
    Cow::Owned(css.into_bytes())
}

fn hashed(path: &str, bytes: Cow<'static, [u8]>) -> Asset {
    let digest = Sha384::digest(&bytes);
    let short = URL_SAFE_NO_PAD.encode(&digest[..12]);
    Asset {
        media_type: media_type(path),
        integrity: format!("sha384-{}", STANDARD.encode(digest)),
        url: address(&short, path),
        bytes,
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some(_) | None => OPAQUE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VENDOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/vendor");

    fn values<'a>(toml: &'a str, key: &str) -> Vec<&'a str> {
        let prefix = format!("{key} = \"");
        toml.lines()
            .filter_map(|line| line.strip_prefix(&prefix)?.strip_suffix('"'))
            .collect()
    }

    #[test]
    fn vendored_files_are_the_ones_that_were_checked_in() {
        let toml = std::fs::read_to_string(format!("{VENDOR}/vendor.toml")).expect("vendor.toml");
        let (paths, hashes) = (values(&toml, "path"), values(&toml, "sha384"));
        assert_eq!(paths.len(), hashes.len());
        for (path, expected) in paths.iter().zip(hashes) {
            let bytes = std::fs::read(format!("{VENDOR}/{path}")).expect(path);
            assert_eq!(
                STANDARD.encode(Sha384::digest(&bytes)),
                expected,
                "{path} was changed"
            );
        }
        let on_disk = Files::iter().filter(|path| path.starts_with("vendor/"));
        for path in on_disk {
            let listed = path.strip_prefix("vendor/").expect("just filtered");
            assert!(
                listed == "vendor.toml" || paths.contains(&listed),
                "{listed} is not in vendor.toml"
            );
        }
    }

    #[test]
    fn the_notice_names_every_vendored_package() {
        let notice =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../NOTICE")).expect("NOTICE");
        let toml = std::fs::read_to_string(format!("{VENDOR}/vendor.toml")).expect("vendor.toml");
        for (name, version) in values(&toml, "name").iter().zip(values(&toml, "version")) {
            assert!(
                notice.contains(&format!("{name} {version}")),
                "NOTICE does not name {name} {version}"
            );
        }
    }

    #[test]
    fn the_style_sheet_names_fonts_by_their_addresses() {
        let css = String::from_utf8_lossy(&asset("app.css").bytes);
        assert!(!css.contains("asset:"));
        assert!(css.contains(url("vendor/inter/inter-latin-wght-normal.woff2")));
    }

    #[tokio::test]
    async fn an_old_hash_is_not_found() {
        let path = "app.css".to_owned();
        let reply = serve(Path(("gone".to_owned(), path.clone()))).await;
        assert_eq!(reply.status(), StatusCode::NOT_FOUND);
        let hash = url("app.css").split('/').nth(2).expect("a hash").to_owned();
        let reply = serve(Path((hash, path))).await;
        assert_eq!(reply.headers()[CACHE_CONTROL], IMMUTABLE);
    }
}
