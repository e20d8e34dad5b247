//! CloudFormation: the stacks of customers' roles.

mod conditions;
mod creation;
mod customer_role;
mod deletion;
mod failure;
mod functions;
mod pace;
mod parameters;
mod resources;
mod support;
mod templates;
