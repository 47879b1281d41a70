//! opgate: a declarative, schema-aware gate for the Docker Engine API.
//!
//! The way of a request, and which module owns each step:
//!
//! ```text
//! listener -> client -> route -> decode -> decide -> encode -> forward -> respond -> record
//! ```
//!
//! - [`proxy`] accepts connections, reads requests with strict framing, speaks to
//!   the Engine, and relays answers and tunnels;
//! - [`route`] turns method and raw target into one operation;
//! - [`api`] holds the generated definitions, and decodes and encodes by them;
//! - [`mod@format`] gives strings with a meaning (binds, ports, images) their parts;
//! - [`policy`] decides on typed values;
//! - [`gate`] puts these together for one request, without any connection;
//! - [`identity`] is who is calling, as the listener, TLS and the kernel say;
//! - [`request`] holds the types that a request passes through on its way;
//! - [`confine`] gives up what the process does not need, before it serves;
//! - [`example`] holds requests as people write them, for tests and explanations;
//! - [`tls`] reads certificates, keys and revocation lists;
//! - [`diagnostic`] shows what is wrong with a policy file;
//! - [`shortage`] tells what is worth another try.
//!
//! Dependencies point one way: [`proxy`] uses [`gate`], which uses [`policy`] and
//! [`request`], which use [`route`] and [`api`].

pub mod api;
pub mod confine;
pub mod diagnostic;
pub mod example;
pub mod format;
pub mod gate;
pub mod identity;
pub mod policy;
pub mod proxy;
pub mod request;
pub mod route;
pub mod shortage;
pub mod tls;
