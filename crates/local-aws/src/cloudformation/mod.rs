//! CloudFormation, as far as the template of a customer's role needs it: roles, policies and instance profiles,
//! parameters, conditions, outputs, and the intrinsic functions those use.
//!
//! What a stack makes is there at once; its events tell the story at the pace of the latency model, and the stack's
//! status is the last event told so far. Whatever a template asks beyond this is refused with its name.

mod create;
mod delete;
mod describe;
mod fetch;
mod intrinsic;
mod parameters;
mod provision;
mod references;
mod resources;
mod service;
mod stack;
mod template;
mod yaml;

pub(crate) use service::CloudFormation;

/// Reads a template and forgets it.
#[cfg(test)]
pub(crate) fn read_template(text: &str) {
    // What is wrong with it does not matter here.
    let _read = template::Template::read(text);
}
