//! The whole product over HTTP: the journey, the access matrix, bad input, the document of the API.

mod access;
mod bad_input;
mod document;
mod journey;
