//! The export as a whole, on a real database and a real warehouse: one binary, because linking costs more than
//! running.

mod exactly_once;
mod routes;
mod support;
mod verify_export;
