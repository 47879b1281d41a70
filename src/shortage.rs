//! What fails for want of descriptors, and may work in a moment.

use std::io;

use rustix::io::Errno;

/// Whether something failed for want of descriptors, here or in the system.
pub fn is_shortage(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE)
    )
}
