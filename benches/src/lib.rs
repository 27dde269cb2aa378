//! What the measurements share: the limits of the machine, and work whose outcome is known.

mod limits;
mod workload;

pub use limits::Limits;
pub use workload::{Workload, height_of};
