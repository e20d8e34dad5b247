//! What an account may have and use: quotas, keys, certificates, and its resources by tag.

mod aliases;
mod certificate_life;
mod certificates;
mod increases;
mod key_limits;
mod key_policies;
mod key_users;
mod keys;
mod quotas;
mod support;
mod tag_changes;
mod tagging;
