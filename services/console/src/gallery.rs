//! Every page with sample data, in each of its states: what the tests read and what a person looks at.
//!
//! `CONSOLE_GALLERY=dir cargo test -p console gallery` also writes the pages there, to look at in a browser.

mod plans;
#[allow(clippy::too_many_lines, reason = "lists of samples, read from top to bottom")]
mod samples;
mod tests;

pub(crate) use samples::all;
