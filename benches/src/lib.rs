//! What every benchmark needs: a process to measure, a peer to measure beside it, and a report.
//!
//! A benchmark is one executable and one command, `./dev bench NAME [--json]`. It makes its own load, runs the same
//! load against our code and against each named peer in the same run, checks that both did the work exactly, and
//! prints figures per CPU-second of the process under test, so that a busy machine changes them little. A peer that
//! cannot be installed is left out, aloud. Processes are measured through `/proc`, so this runs on Linux.

pub mod peers;
pub mod process;
pub mod report;
pub mod signed;
