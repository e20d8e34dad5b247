//! Being a good process: clock, ids, shutdown, HTTP conventions, authentication, configuration, telemetry.
//!
//! A service takes a [`Kit`], builds its routes from the extractors here and never sees a header by itself.
//! Nothing in this room knows SQL or AWS; where credentials are stored is behind
//! [`auth::CredentialStore`].

pub mod auth;
mod clock;
pub mod config;
pub mod decimal;

mod ids;
mod json;
pub mod kinds;
mod kit;
pub mod limits;
mod mutation;
mod page;
mod path;
mod pointer;
mod precondition;
mod problem;
pub mod server;
pub mod sse;
pub mod telemetry;

pub use auth::{Caller, CallerSession, MaybeCaller};
pub use clock::Clock;
pub use ids::Ids;
pub use json::{BODY_BYTES_MAX, StrictJson, parse_strict, read_body, require_json};
pub use kinds::ProblemKind;
pub use kit::{Kit, KitSettings};
pub use mutation::{
    AnonymousMutation, Mutation, MutationRequest, REPLAYED, Reply, Trigger, in_progress, key_reused,
};
pub use page::{Cursor, Page, PageQuery, Query};
pub use path::IdPath;
pub use precondition::{IfMatch, etag, not_modified};
pub use problem::{Chain, FieldError, NextAction, NextActionKind, Problem, ProblemBody};
pub use server::{ServerLimits, serve};
