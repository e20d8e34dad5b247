//! Being a good process: configuration, telemetry, clock, shutdown, HTTP conventions, authentication.
