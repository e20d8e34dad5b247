//! CloudFormation, as far as the template of a customer's role needs it: roles and managed policies, parameters,
//! conditions, outputs, and the intrinsic functions those use.
//!
//! A stack is made or refused at once; there is no `…_IN_PROGRESS` to wait for except in the events. Whatever a
//! template asks beyond this is refused with its name.

mod intrinsic;
mod operations;
mod parameters;
mod provision;
mod stack;
mod template;
mod yaml;

pub(crate) use operations::CloudFormation;
