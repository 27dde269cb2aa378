//! What the tests share: clusters in one process, clusters of real processes, and the input they are fed.

pub mod embedded;
pub mod fuzz;
pub mod processes;
pub mod sweep;
