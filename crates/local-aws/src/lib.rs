//! AWS's wire protocols on loopback, with true semantics, a clock and faults.
