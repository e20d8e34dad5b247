//! Who calls: signatures, the key ring and the principal behind a key.

mod caller;
mod credentials;
mod refusal;
mod signature;

pub(crate) use caller::{Caller, RoleSession, UserIdentity};
pub(crate) use credentials::{Key, KeyRing, is_account_id};
pub(crate) use refusal::AuthRefusal;
pub(crate) use signature::{Signature, verify};
