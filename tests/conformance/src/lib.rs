//! What AWS documents, as cases that run against any endpoint.
//!
//! Each file below `cases/` is one service; each test in it is one documented behaviour: its name says what, its doc
//! comment says where AWS says so. A case takes its AWS from [`aws`], or from [`controlled`] when it must move the
//! clock or raise a fault, and knows nothing of what stands behind it.
//!
//! | setting | what the cases run against |
//! |---|---|
//! | none | a `local-aws` of its own for every case, in this process |
//! | `ENDPOINT=http://127.0.0.1:4566` | that endpoint, with accounts by the convention of local endpoints |
//! | `CONFORMANCE_ON_AWS=yes` | real accounts: the profiles of `CONFORMANCE_PROFILES=vendor,customer,stranger` |
//!
//! Away from the first, cases that need the control surface, or an account that is not configured, are skipped and
//! say so. A case deletes what it made, and names it with [`Aws::name`], so that leftovers are easy to find.

mod account;
mod raw;
mod target;
mod words;

pub use account::Account;
pub use raw::{Answer, Raw};
pub use target::{Aws, aws, controlled, controlled_with};
pub use words::{code, eventually, status};

pub use local_aws;
