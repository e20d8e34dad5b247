//! From a request body to single events, still as text.
//!
//! Limits hold after and during decompression. A broken array fails as a whole, because nobody can tell
//! where its next event begins; a broken line of NDJSON is one rejected event.

use std::fmt;
use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use service_kit::{Problem, kinds};

/// Most bytes of a request, before and after decompression.
pub(super) const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Most events of a request.
pub(super) const EVENTS_MAX: usize = 10_000;
/// 8 MiB: a decoder's window never takes more memory than the body may have.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
const TOO_MANY: &str = "too many events";

/// How a body says its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    One,
    Batch,
    OneOrBatch,
    Lines,
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Format {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        match essence(headers, &CONTENT_TYPE).as_str() {
            "application/cloudevents+json" => Ok(Self::One),
            "application/cloudevents-batch+json" => Ok(Self::Batch),
            "application/json" => Ok(Self::OneOrBatch),
            "application/x-ndjson" => Ok(Self::Lines),
            _ => Err(Problem::of(&kinds::UNSUPPORTED_MEDIA_TYPE).detail(
                "Send application/cloudevents+json, application/cloudevents-batch+json, application/json \
                 or application/x-ndjson.",
            )),
        }
    }
}

impl Encoding {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        match essence(headers, &CONTENT_ENCODING).as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => {
                Err(Problem::of(&kinds::UNSUPPORTED_MEDIA_TYPE)
                    .detail("Bodies may be packed with gzip or zstd."))
            }
        }
    }
}

fn essence(headers: &HeaderMap, name: &http::HeaderName) -> String {
    let value = headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// Unpacks and takes apart. Runs on a thread of its own for large bodies: it computes and never waits.
pub(super) fn events(packed: Bytes, encoding: Encoding, format: Format) -> Result<Vec<Bytes>, Problem> {
    let body = unpack(packed, encoding)?;
    let events = match format {
        Format::One => vec![one(&body)?],
        Format::Batch => array(&body)?,
        Format::OneOrBatch if first_byte(&body) == Some(b'[') => array(&body)?,
        Format::OneOrBatch => vec![one(&body)?],
        Format::Lines => lines(&body)?,
    };
    if events.is_empty() {
        return Err(Problem::of(&kinds::MALFORMED_BODY).detail("The body holds no event."));
    }
    Ok(events)
}

fn unpack(packed: Bytes, encoding: Encoding) -> Result<Bytes, Problem> {
    let broken = |_| Problem::of(&kinds::MALFORMED_BODY).detail("The body cannot be decompressed.");
    match encoding {
        Encoding::Identity => Ok(packed),
        Encoding::Gzip => read_bounded(MultiGzDecoder::new(&packed[..])).map_err(broken)?,
        Encoding::Zstd => {
            let mut decoder = zstd::stream::Decoder::new(&packed[..]).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(broken)?;
            read_bounded(decoder).map_err(broken)?
        }
    }
}

fn read_bounded(decoder: impl Read) -> std::io::Result<Result<Bytes, Problem>> {
    let mut body = Vec::new();
    decoder.take(BODY_BYTES_MAX as u64 + 1).read_to_end(&mut body)?;
    if body.len() > BODY_BYTES_MAX {
        return Ok(Err(Problem::of(&kinds::BODY_TOO_LARGE).detail(format!(
            "At most {BODY_BYTES_MAX} bytes are accepted, also after decompression."
        ))));
    }
    Ok(Ok(Bytes::from(body)))
}

fn first_byte(body: &Bytes) -> Option<u8> {
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

fn one(body: &Bytes) -> Result<Bytes, Problem> {
    let event: &RawValue = serde_json::from_str(text(body)?).map_err(|error| malformed(&error))?;
    Ok(body.slice_ref(event.get().as_bytes()))
}

fn array(body: &Bytes) -> Result<Vec<Bytes>, Problem> {
    let mut deserializer = serde_json::Deserializer::from_str(text(body)?);
    let parsed = (&mut deserializer).deserialize_seq(Elements);
    let elements = parsed.and_then(|elements| deserializer.end().map(|()| elements));
    let elements = elements.map_err(|error| malformed(&error))?;
    Ok(elements
        .into_iter()
        .map(|event| body.slice_ref(event.get().as_bytes()))
        .collect())
}

fn lines(body: &Bytes) -> Result<Vec<Bytes>, Problem> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let events: Vec<_> = lines
        .filter(|line| !line.is_empty())
        .take(EVENTS_MAX + 1)
        .map(|line| body.slice_ref(line))
        .collect();
    if events.len() > EVENTS_MAX {
        return Err(too_many());
    }
    Ok(events)
}

fn text(body: &Bytes) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|error| {
        let detail = format!("The body is not UTF-8 at byte {}.", error.valid_up_to());
        Problem::of(&kinds::MALFORMED_BODY).detail(detail)
    })
}

fn malformed(error: &serde_json::Error) -> Problem {
    if error.to_string().starts_with(TOO_MANY) {
        return too_many();
    }
    // serde_json's text ends with the line and the column.
    Problem::of(&kinds::MALFORMED_BODY).detail(error.to_string())
}

fn too_many() -> Problem {
    Problem::of(&kinds::BODY_TOO_LARGE).detail(format!("A request holds at most {EVENTS_MAX} events."))
}

struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            if elements.len() == EVENTS_MAX {
                return Err(A::Error::custom(TOO_MANY));
            }
            elements.push(element);
        }
        Ok(elements)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use bytes::Bytes;

    use super::{BODY_BYTES_MAX, EVENTS_MAX, Encoding, Format, events};

    fn read(body: impl Into<Bytes>, format: Format) -> Result<Vec<String>, (u16, String)> {
        unpack(body, Encoding::Identity, format)
    }

    fn unpack(
        body: impl Into<Bytes>,
        encoding: Encoding,
        format: Format,
    ) -> Result<Vec<String>, (u16, String)> {
        events(body.into(), encoding, format)
            .map(|events| {
                events
                    .iter()
                    .map(|event| String::from_utf8_lossy(event).into_owned())
                    .collect()
            })
            .map_err(|problem| {
                (
                    problem.status().as_u16(),
                    problem.body().detail.clone().unwrap_or_default(),
                )
            })
    }

    #[test]
    fn every_format_is_taken_apart() {
        assert_eq!(read(" {\"a\":1} ", Format::One), Ok(vec!["{\"a\":1}".to_owned()]));
        assert_eq!(
            read("[1, {}]", Format::OneOrBatch),
            Ok(vec!["1".to_owned(), "{}".to_owned()])
        );
        assert_eq!(read("{}", Format::OneOrBatch), Ok(vec!["{}".to_owned()]));
        let lines = read("{}\r\n\n{oops\n", Format::Lines);
        assert_eq!(lines, Ok(vec!["{}".to_owned(), "{oops".to_owned()]));
    }

    #[test]
    fn a_broken_array_fails_whole_with_the_position() {
        let (status, detail) = read("[{\"a\":1},\n {\"a\":NaN}]", Format::Batch).unwrap_err();
        assert_eq!(status, 400);
        assert!(detail.contains("line 2 column"), "{detail}");
        assert_eq!(read("[{}", Format::Batch).unwrap_err().0, 400);
        assert_eq!(read("{}", Format::Batch).unwrap_err().0, 400);
        assert_eq!(read("[{}] x", Format::Batch).unwrap_err().0, 400);
        assert_eq!(read("[]", Format::Batch).unwrap_err().0, 400);
        let (_, detail) = read(&b"[\"\xff\"]"[..], Format::Batch).unwrap_err();
        assert!(detail.contains("byte 2"), "{detail}");
        assert_eq!(read("[".repeat(100_000), Format::Batch).unwrap_err().0, 400);
    }

    #[test]
    fn too_many_events_are_413() {
        let most = format!("[{}{{}}]", "{},".repeat(EVENTS_MAX - 1));
        assert_eq!(
            read(most, Format::Batch).map(|events| events.len()),
            Ok(EVENTS_MAX)
        );
        let more = format!("[{}{{}}]", "{},".repeat(EVENTS_MAX));
        assert_eq!(read(more, Format::Batch).unwrap_err().0, 413);
        assert_eq!(
            read("{}\n".repeat(EVENTS_MAX + 1), Format::Lines).unwrap_err().0,
            413
        );
    }

    #[test]
    fn packed_bodies_are_bounded_after_unpacking() {
        let gzip = |body: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        };
        assert_eq!(
            unpack(gzip(b"{}"), Encoding::Gzip, Format::One),
            Ok(vec!["{}".to_owned()])
        );
        let zstd = zstd::bulk::compress(b"{}", 3).unwrap();
        assert_eq!(
            unpack(zstd, Encoding::Zstd, Format::One),
            Ok(vec!["{}".to_owned()])
        );

        let bomb = vec![b' '; BODY_BYTES_MAX + 1];
        assert_eq!(
            unpack(gzip(&bomb), Encoding::Gzip, Format::Lines).unwrap_err().0,
            413
        );
        let bomb = zstd::bulk::compress(&bomb, 3).unwrap();
        assert_eq!(unpack(bomb, Encoding::Zstd, Format::Lines).unwrap_err().0, 413);
        assert_eq!(unpack("{}", Encoding::Gzip, Format::One).unwrap_err().0, 400);
        assert_eq!(unpack("{}", Encoding::Zstd, Format::One).unwrap_err().0, 400);
    }
}
