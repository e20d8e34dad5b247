//! Typed path segments: an id that does not parse is a thing that does not exist.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::Problem;

/// Path parameters of the type `T`: one id, or a tuple of them.
#[derive(Clone, Copy, Debug)]
pub struct IdPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for IdPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // Whoever guesses ids learns nothing from how the guess was wrong.
        let Path(value) = Path::<T>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::not_found())?;
        Ok(Self(value))
    }
}
