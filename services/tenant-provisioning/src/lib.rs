//! Keeps deployments in customers' accounts as they should be.
