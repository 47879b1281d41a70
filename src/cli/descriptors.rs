//! How many descriptors the process may have: all that it can get.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as it goes without rights; gives what it is then.
///
/// The usual limit is low for the sake of programs that use `select`, and opgate
/// neither does nor starts any other program.
pub(super) fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let highest = Rlimit {
        current: maximum,
        maximum,
    };
    let limit = match setrlimit(Resource::Nofile, highest) {
        Ok(()) => maximum,
        Err(_) => current,
    };
    // None is no limit.
    limit.unwrap_or(u64::MAX)
}
