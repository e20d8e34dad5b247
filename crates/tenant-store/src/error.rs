//! One error for the room: what callers act on, and the rest.

/// Why a statement or a transaction failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique or foreign key said no; `constraint` is its name in the schema.
    #[error("violates the constraint {constraint}")]
    Constraint {
        /// The constraint's name in the schema.
        constraint: String,
    },
    /// A row does not read back as the type it was written from: a migration or a hand changed it.
    #[error("stored row is not readable: {0}")]
    Unreadable(String),
    /// The row to be changed is not in the state or version the caller saw, or a lease was lost.
    #[error("the row changed meanwhile")]
    Stale,
    /// The database is away, too slow, or refused; nothing was committed.
    #[error("the database did not answer")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let constraint = error
            .as_database_error()
            .and_then(|database| database.constraint());
        match constraint {
            Some(name) => Self::Constraint {
                constraint: name.to_owned(),
            },
            None => Self::Database(error),
        }
    }
}

impl StoreError {
    /// A stored value that its domain type refuses.
    pub fn unreadable(reason: impl std::fmt::Display) -> Self {
        Self::Unreadable(reason.to_string())
    }

    /// Whether `constraint` is what failed.
    #[must_use]
    pub fn violates(&self, name: &str) -> bool {
        matches!(self, Self::Constraint { constraint } if constraint == name)
    }
}
