//! What an account may have and use: quotas, keys, certificates, and its resources by tag.

mod certificates;
mod key_policies;
mod keys;
mod quotas;
mod tagging;
