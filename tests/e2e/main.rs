//! The whole product over HTTP: the journey, the access matrix, bad input, the document of the API.

#![allow(clippy::too_many_lines, reason = "a journey is read from top to bottom")]

mod access;
mod bad_input;
mod document;
mod journey;
mod permissions;
