//! What a data plane links to report usage.
