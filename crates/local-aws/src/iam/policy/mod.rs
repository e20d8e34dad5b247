//! The policy language: reading documents and deciding requests.
//!
//! Sources: IAM user guide, "IAM JSON policy element reference", "Policy evaluation logic", "Global condition
//! context keys". Nothing here knows a service; services say action, resource and context.

mod condition;
mod context;
pub(super) mod document;
mod evaluate;
mod operator;
pub(crate) mod pattern;
mod principal;
mod reader;
mod variable;

pub(crate) use context::Context;
pub(crate) use document::{Document, Element};
pub(crate) use evaluate::{Decision, Policies, Question, ResourcePolicy, decide, matching, resource_grant};
pub(crate) use pattern::glob;
pub(crate) use principal::PrincipalView;
