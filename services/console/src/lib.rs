//! The pages in the browser: the only room that names HTML.
//!
//! A page is four things: extract, authorize, one application function of a service, one component. Nothing
//! here knows SQL or AWS, and every action has a route under `/v1` too. Pages read without script and forms
//! post without it; script adds liveness. The look is in `assets/app.css`, the parts in [`ui`].

#![allow(
    clippy::result_large_err,
    reason = "a refusal goes straight to its page; a box would save nothing"
)]

mod api;
mod app;
mod assets;
mod format;
mod layout;
mod live;
mod pages;
mod respond;
mod routes;
mod ui;
mod visit;

#[cfg(test)]
mod gallery;

pub use app::{ConsoleApp, DeployRoleStack, DeployRoleStackError, DevTools, RoleStack};

use axum::Router;

/// Every page, with its assets. The composition adds the routes under `/v1` and the limits around all of them.
pub fn router(app: ConsoleApp) -> Router {
    let api = api::Api::new(&app);
    routes::all(app::Site { app, api })
}
