//! The pages in the browser: the only room that names HTML.
//!
//! A page is four things: extract, authorize, one application function of a service, one component. Nothing
//! here knows SQL or AWS, and every action has a route under `/v1` too. Pages read without script and forms
//! post without it; script adds liveness. The look is in `assets/app.css`, the parts in [`ui`].

mod assets;
mod format;
mod layout;
mod pages;
mod respond;
mod ui;

#[cfg(test)]
mod gallery;
