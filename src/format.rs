//! Semantic formats: strings that mean more than their bytes.
//!
//! Turns the text of a field or parameter whose definition names a [`Format`]
//! into the one spelling that is forwarded, or refuses it; the modules below
//! parse the same texts into typed parts for policies. Promises that a text
//! which passes is read by the Engine as the parts say, that canonical texts
//! are their own canonical form, and that an error never holds the text.
//! Each vocabulary and grammar is closed: what is not known to have one
//! meaning is refused. Leaves to others: which field has which format, and
//! what an absent or empty value means there.

mod address;
mod bind;
mod capability;
mod detach_keys;
mod device_rule;
mod env;
mod extra_host;
mod image;
mod link;
mod name;
mod namespace;
mod path;
mod platform;
mod port;
mod registry_host;
mod security_opt;
mod signal;
mod sysctl;
mod text;
mod tmpfs;
mod ulimit;
mod user;
mod volumes_from;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use address::{Cidr, MacAddress, ip_address};
pub use bind::{Bind, Consistency, MountMode, Propagation, SelinuxLabel, Source};
pub use capability::Capability;
pub use detach_keys::DetachKeys;
pub use device_rule::{DeviceKind, DeviceRule, device_numbers};
pub use env::EnvVar;
pub use extra_host::{ExtraHost, HostAddress};
pub use image::{ImageReference, NamedImage};
pub use link::Link;
pub use name::{ContainerReference, is_full_id};
pub use namespace::NamespaceMode;
pub use path::{clean_path, container_path, host_path, is_under};
pub use platform::Platform;
pub use port::{HostPort, Port, Protocol};
pub use registry_host::{RegistryHost, Scheme};
pub use security_opt::{LabelOption, SeccompProfile, SecurityOpt};
pub use signal::Signal;
pub use sysctl::SysctlKey;
pub use tmpfs::TmpfsOptions;
pub use ulimit::UlimitName;
pub use user::{Account, User};
pub use volumes_from::VolumesFrom;

/// Why a text does not have its format.
///
/// Holds no part of the text: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct FormatError {
    /// What is wrong with it.
    pub reason: &'static str,
}

impl FormatError {
    /// An error with this reason.
    pub const fn new(reason: &'static str) -> Self {
        Self { reason }
    }
}

macro_rules! formats {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// The format of a text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Format {
            $($(#[$doc])* $variant,)+
        }

        impl Format {
            /// Every format, in the order of the enum.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name that the overlay and policies use.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The format of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

formats! {
    /// `source:target[:mode]`, see [`Bind`].
    Bind = "bind",
    /// `container[:mode]`, see [`VolumesFrom`].
    VolumesFrom = "volumes-from",
    /// An image by name or id, see [`ImageReference`].
    ImageReference = "image-reference",
    /// `user[:group]`, see [`User`].
    User = "user",
    /// A Linux capability or `ALL`, see [`Capability`].
    Capability = "capability",
    /// A container port such as `80/tcp`, see [`Port`].
    Port = "port",
    /// A port of the host, see [`HostPort`].
    HostPort = "host-port",
    /// An IPv4 or IPv6 address without a zone.
    IpAddress = "ip-address",
    /// A subnet such as `10.0.0.0/8`, see [`Cidr`].
    Cidr = "cidr",
    /// A hardware address of six bytes, see [`MacAddress`].
    MacAddress = "mac-address",
    /// `HostConfig.NetworkMode`, see [`NamespaceMode`].
    NetworkMode = "network-mode",
    /// `HostConfig.PidMode`, see [`NamespaceMode`].
    PidMode = "pid-mode",
    /// `HostConfig.IpcMode`, see [`NamespaceMode`].
    IpcMode = "ipc-mode",
    /// `HostConfig.UTSMode`, see [`NamespaceMode`].
    UtsMode = "uts-mode",
    /// `HostConfig.UsernsMode`, see [`NamespaceMode`].
    UsernsMode = "userns-mode",
    /// `HostConfig.CgroupnsMode`, see [`NamespaceMode`].
    CgroupnsMode = "cgroupns-mode",
    /// An element of `HostConfig.SecurityOpt`, see [`SecurityOpt`].
    SecurityOpt = "security-opt",
    /// What a security option is set to, which may be a profile.
    SecurityOptValue = "security-opt-value",
    /// An absolute path on the host, see [`host_path`].
    HostPath = "host-path",
    /// An absolute path in a container, see [`container_path`].
    ContainerPath = "container-path",
    /// What a mount mounts: an absolute path on the host, or the name of a
    /// volume or of an image.
    MountSource = "mount-source",
    /// `c 1:3 rwm`, see [`DeviceRule`].
    DeviceCgroupRule = "device-cgroup-rule",
    /// Half of the number of a device, or `*` for every one, see [`DeviceRule`].
    DeviceNumber = "device-number",
    /// `container[:alias]`, see [`Link`].
    Link = "link",
    /// `host:address`, see [`ExtraHost`].
    ExtraHost = "extra-host",
    /// `NAME=value` or `NAME`, see [`EnvVar`].
    Env = "env",
    /// A signal by name or number, see [`Signal`].
    Signal = "signal",
    /// A number of nanoseconds.
    Duration = "duration",
    /// A number of bytes.
    Bytes = "bytes",
    /// A number of CPUs, in billionths of one.
    Cpus = "cpus",
    /// A number of seconds.
    Seconds = "seconds",
    /// A point in time, or a distance from now.
    Timestamp = "timestamp",
    /// A container by name, id or prefix, see [`ContainerReference`].
    ContainerReference = "container-reference",
    /// The name of a new container.
    ContainerName = "container-name",
    /// A network by name, id or prefix.
    NetworkReference = "network-reference",
    /// The name of a volume.
    VolumeName = "volume-name",
    /// Mount options of a tmpfs, see [`TmpfsOptions`].
    TmpfsOptions = "tmpfs-options",
    /// `os[/architecture[/variant]]`, see [`Platform`].
    Platform = "platform",
    /// The name of a kernel setting, see [`SysctlKey`].
    SysctlKey = "sysctl-key",
    /// The name of a resource limit, see [`UlimitName`].
    UlimitName = "ulimit-name",
    /// The name of a log driver or log plugin.
    LogDriver = "log-driver",
    /// The name of an OCI runtime.
    Runtime = "runtime",
    /// A registry by host or URL, see [`RegistryHost`].
    RegistryHost = "registry-host",
    /// The keys that detach a terminal, see [`DetachKeys`].
    DetachKeys = "detach-keys",
    /// A group by name or number, see [`Account`].
    Group = "group",
    /// A line of a Dockerfile.
    DockerfileInstruction = "dockerfile-instruction",
    /// The name of a host.
    Hostname = "hostname",
    /// The tag of an image, or a digest in its place.
    Tag = "tag",
    /// An address to fetch from, or a word that stands for one.
    Url = "url",
}

impl Format {
    /// Checks `text` and gives the spelling that is forwarded, which is
    /// borrowed when `text` already is that spelling.
    ///
    /// The empty text passes where it can mean "not set"; whether it does is
    /// the caller's to know.
    pub fn canonical(self, text: &str) -> Result<Cow<'_, str>, FormatError> {
        if text.is_empty() {
            return if self.needs_text() {
                Err(FormatError::new("is empty"))
            } else {
                Ok(Cow::Borrowed(text))
            };
        }
        self.refuse_controls(text)?;
        match self {
            Self::Bind => bind::canonical(text),
            Self::VolumesFrom => volumes_from::canonical(text),
            Self::ImageReference => unchanged(text, ImageReference::parse(text)),
            Self::User => user::canonical(text),
            Self::Group => user::canonical_group(text),
            Self::Capability => capability::canonical(text),
            Self::Port => port::canonical_port(text),
            Self::HostPort => port::canonical_host_port(text),
            Self::IpAddress => unchanged(text, ip_address(text)),
            Self::Cidr => unchanged(text, Cidr::parse(text)),
            Self::MacAddress => address::canonical_mac(text),
            Self::NetworkMode => unchanged(text, NamespaceMode::network(text)),
            Self::PidMode => unchanged(text, NamespaceMode::pid(text)),
            Self::IpcMode => unchanged(text, NamespaceMode::ipc(text)),
            Self::UtsMode => unchanged(text, NamespaceMode::uts(text)),
            Self::UsernsMode => unchanged(text, NamespaceMode::userns(text)),
            Self::CgroupnsMode => unchanged(text, NamespaceMode::cgroupns(text)),
            Self::SecurityOpt => security_opt::canonical(text),
            Self::SecurityOptValue | Self::DockerfileInstruction => Ok(Cow::Borrowed(text)),
            Self::HostPath => path::canonical_host_path(text),
            Self::MountSource => Ok(path::canonical_mount_source(text)),
            Self::ContainerPath => unchanged(text, container_path(text)),
            Self::DeviceCgroupRule => unchanged(text, DeviceRule::parse(text)),
            Self::DeviceNumber => device_rule::canonical_number(text),
            Self::Link => unchanged(text, Link::parse(text)),
            Self::ExtraHost => unchanged(text, ExtraHost::parse(text)),
            Self::Env => unchanged(text, EnvVar::parse(text)),
            Self::Signal => signal::canonical(text),
            Self::Duration | Self::Bytes | Self::Cpus | Self::Seconds => {
                unchanged(text, text::integer(text))
            }
            Self::Timestamp => unchanged(text, text::timestamp(text)),
            Self::ContainerReference => unchanged(text, ContainerReference::parse(text)),
            Self::ContainerName => unchanged(text, name::container_name(text)),
            Self::NetworkReference => unchanged(text, name::network_reference(text)),
            Self::VolumeName => unchanged(text, name::lookup(text)),
            Self::TmpfsOptions => unchanged(text, TmpfsOptions::parse(text)),
            Self::Platform => unchanged(text, Platform::parse(text)).map(lower_case),
            Self::SysctlKey => sysctl::canonical(text),
            Self::UlimitName => ulimit::canonical(text),
            Self::LogDriver => unchanged(text, text::log_driver(text)),
            Self::Runtime => unchanged(text, text::runtime(text)),
            Self::RegistryHost => unchanged(text, RegistryHost::parse(text)),
            Self::DetachKeys => unchanged(text, DetachKeys::parse(text)),
            Self::Hostname => unchanged(text, text::hostname(text)),
            Self::Tag => unchanged(text, image::tag_or_digest(text)),
            Self::Url => unchanged(text, text::url(text)),
        }
    }

    /// What a canonical text has in common with every other that means the
    /// same to the Engine. Two keys of a map that share it are one key to some
    /// Engines and two to others.
    pub fn identity(self, canonical: &str) -> Cow<'_, str> {
        match self {
            Self::Port => port::identity(canonical),
            Self::SysctlKey => sysctl::identity(canonical),
            Self::ContainerPath | Self::HostPath => clean_path(canonical),
            Self::MountSource if canonical.starts_with('/') => clean_path(canonical),
            _ => Cow::Borrowed(canonical),
        }
    }

    /// Whether the empty text has no meaning to the Engine, or a wrong one.
    fn needs_text(self) -> bool {
        matches!(
            self,
            Self::Bind
                | Self::VolumesFrom
                | Self::Capability
                | Self::Port
                | Self::SecurityOpt
                | Self::DeviceCgroupRule
                | Self::Link
                | Self::ExtraHost
                | Self::Env
                | Self::SysctlKey
                | Self::UlimitName
                | Self::Group
        )
    }

    /// Refuses control characters. They have a meaning only in the values of
    /// environment variables, in Dockerfile lines and, as white space, in an
    /// inline seccomp profile.
    fn refuse_controls(self, text: &str) -> Result<(), FormatError> {
        let refused: fn(char) -> bool = match self {
            Self::Env | Self::DockerfileInstruction => |c| c == '\0',
            Self::SecurityOpt | Self::SecurityOptValue => {
                |c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')
            }
            _ => char::is_control,
        };
        if text.chars().any(refused) {
            return Err(FormatError::new("holds a control character"));
        }
        Ok(())
    }
}

/// `text` itself, once it has parsed.
fn unchanged<T>(text: &str, parsed: Result<T, FormatError>) -> Result<Cow<'_, str>, FormatError> {
    parsed.map(|_| Cow::Borrowed(text))
}

/// `text` with its ASCII letters in lower case.
fn lower_case(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        text
    }
}

/// `canonical` if it differs from `text`, and otherwise `text` itself.
fn respelt(text: &str, canonical: String) -> Cow<'_, str> {
    if canonical == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(canonical)
    }
}
