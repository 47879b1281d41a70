//! A head that came over TCP → nothing, or why it is a browser's.
//!
//! Everybody who can connect to a listener on loopback is its client, and that is
//! also the browser of whoever works on this machine, on behalf of any page that
//! it shows. Nothing but the browser's own headers tells such a request from a
//! program's, so each of the three that tells one is enough for a refusal:
//!
//! - `Sec-Fetch-Site` is what a browser adds to say that it is one, and pages
//!   cannot keep it from doing so. (`Sec-Fetch-Mode` alone is no browser: the
//!   `fetch` of Node sends it.) Browsers add it only where they trust the way to
//!   the server, as they do for `127.0.0.1` and `localhost`.
//! - `Origin` comes with what a page sends by other methods than GET and HEAD, and
//!   with its websockets. Programs that open websockets send one as well, made of
//!   the address that they connect to: hence an address or `localhost` passes.
//! - `Host` is all there is to see after DNS rebinding. A page of `evil.example`
//!   whose name is made to mean 127.0.0.1 asks its own origin: its GET carries no
//!   `Origin`, and no `Sec-Fetch-Site` either, for plain HTTP to a name is not
//!   trusted. So a `Host` that someone could own in the public DNS is refused.
//!   What clients of the Engine send is no such name: the address that they
//!   connect to, `localhost` or a name below it, a name without a dot (`docker`),
//!   or nothing at all. A name without a dot is nobody's to rebind: it comes from
//!   this machine's own files or network.
//!
//! By TLS the name is one that the gate's certificate is for, or a browser would not
//! have come so far: `Host` may be any, and `Origin` may be of the same host.
//!
//! Unix sockets are out of a browser's reach, and nothing of this applies there.

use std::net::{IpAddr, Ipv6Addr};

use thiserror::Error;

use super::head::Head;

/// What gave the browser away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BrowserError {
    #[error("requests of browsers are not served: this one has a Sec-Fetch-Site header")]
    SecFetchSite,
    #[error(
        "requests of web pages are not served: the Origin header names neither an IP address nor `localhost`"
    )]
    Origin,
    #[error(
        "requests for a domain are not served on TCP: the Host header may name an IP address, `localhost` or a name without a dot"
    )]
    Host,
}

/// Refuses what a browser sent, by TLS or without.
pub(crate) fn refuse(head: &Head<'_>, tls: bool) -> Result<(), BrowserError> {
    if head.values("sec-fetch-site").next().is_some() {
        return Err(BrowserError::SecFetchSite);
    }
    let own = |origin| tls && head.values("host").any(|host| is_of(origin, host));
    if !(head.values("origin")).all(|origin| is_local_origin(origin) || own(origin)) {
        return Err(BrowserError::Origin);
    }
    if !tls && !head.values("host").all(is_nobodys_domain) {
        return Err(BrowserError::Host);
    }
    Ok(())
}

/// Whether an origin is that of an address or of `localhost`. `null`, which hides
/// the origin, is not.
fn is_local_origin(origin: &[u8]) -> bool {
    std::str::from_utf8(origin)
        .ok()
        .and_then(|origin| origin.split_once("://"))
        .and_then(|(_, authority)| host(authority))
        .is_some_and(|host| is_address(host) || host.eq_ignore_ascii_case("localhost"))
}

/// Whether an origin is the one of a host, by TLS.
fn is_of(origin: &[u8], host: &[u8]) -> bool {
    origin
        .strip_prefix(b"https://")
        .is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// Whether a host is no name that someone could own in the public DNS.
pub(crate) fn is_nobodys_domain(value: &[u8]) -> bool {
    let Some(host) = std::str::from_utf8(value).ok().and_then(host) else {
        return false;
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    is_address(name)
        || name.rsplit_once('.').is_none_or(|(_, last)| {
            // No top-level domain is a number, and `localhost` is nobody's.
            is_number(last) || last.eq_ignore_ascii_case("localhost")
        })
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The host of an authority, without its port and the brackets of an address.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        address.parse::<Ipv6Addr>().ok()?;
        match rest.strip_prefix(':') {
            Some(port) => (address, port),
            None if rest.is_empty() => (address, ""),
            None => return None,
        }
    } else {
        authority.split_once(':').unwrap_or((authority, ""))
    };
    (port.is_empty() || is_number(port)).then_some(host)
}

#[cfg(test)]
mod tests;
