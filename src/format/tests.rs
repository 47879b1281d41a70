use std::borrow::Cow;

use super::{Format, FormatError};

/// What real clients send and an Engine accepts.
const ACCEPTED: &[(Format, &[&str])] = &[
    (
        Format::Bind,
        &[
            "/opt:/x",
            "/opt:/x:ro",
            "/opt:/x:rw",
            "/srv/vol:/b:ro,z",
            "/srv/vol:/e:rw,rshared",
            "/root/.packer.d/tmp58352681:/packer-files",
            "recvol2:/d:nocopy",
            "project_dbdata:/var/lib/db:rw",
            "volume:/data/",
            "/anon",
            "/var/run/docker.sock:/var/run/docker.sock",
            "/a b/ü:/ü:cached",
            "v:/x:",
        ],
    ),
    (
        Format::VolumesFrom,
        &[
            "rec_ans1",
            "rec_v1:ro",
            "6193bbdabe8d4c56ca2f0170bca5e544c2c58548c2894145ca3658bbb5ea6768",
        ],
    ),
    (
        Format::ImageReference,
        &[
            "",
            "busybox",
            "alpine:3.10",
            "127.0.0.1:5000/recnode:1",
            "localhost:5000/fussybeaver/uhttpd",
            "docker-py-test-build-with-dockerignore",
            "sha256:387b3f1ad980061dc9ee7d6920490b4e370991dc923e57ce53c9b724a89e4b10",
            "d0dcf6e0cc49",
            "recproj-web:latest",
        ],
    ),
    (
        Format::User,
        &["", "0", "0:0", "1000", "1000:1000", "postgres", "root"],
    ),
    (
        Format::Capability,
        &["ALL", "CAP_NET_ADMIN", "SYS_PTRACE", "MKNOD", "CAP_BPF"],
    ),
    (
        Format::Port,
        &["8080", "80/tcp", "2000/udp", "83/sctp", "8000-8010/udp"],
    ),
    (Format::HostPort, &["", "0", "18080", "8000-8010"]),
    (
        Format::IpAddress,
        &[
            "",
            "0.0.0.0",
            "127.0.0.1",
            "::1",
            "2001:389::f00d",
            "::ffff:127.0.0.1",
        ],
    ),
    (
        Format::Cidr,
        &[
            "",
            "172.31.10.128/25",
            "2001:389::0/96",
            "0.0.0.0/0",
            "fd00:dead:beef::/64",
        ],
    ),
    (Format::MacAddress, &["", "02:42:ac:11:00:0a"]),
    (
        Format::NetworkMode,
        &[
            "",
            "default",
            "bridge",
            "host",
            "none",
            "container:rec_i1",
            "recproj_default",
            "6f6f6146-eb0c-4f4c-b1a4-66c8b8d853af",
            "test 01",
        ],
    ),
    (Format::PidMode, &["", "host", "container:rec_i1"]),
    (
        Format::IpcMode,
        &["", "none", "private", "shareable", "host", "container:x"],
    ),
    (Format::UtsMode, &["", "host"]),
    (Format::Cpus, &["", "1500000000"]),
    (Format::DeviceNumber, &["", "*", "0", "188"]),
    (Format::SecurityOptValue, &["", "unconfined", "type:x_t"]),
    (Format::UsernsMode, &["", "host"]),
    (Format::CgroupnsMode, &["", "host", "private"]),
    (
        Format::SecurityOpt,
        &[
            "apparmor=unconfined",
            "label=disable",
            "label=type:container_runtime_t",
            "seccomp=unconfined",
            "seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[]}",
            "seccomp={\n\t\"defaultAction\": \"SCMP_ACT_ALLOW\"\r\n}\n",
        ],
    ),
    (Format::HostPath, &["", "/dev/null", "/dev/", "/"]),
    (Format::MountSource, &["", "/srv/a/", "data", "alpine:3"]),
    (Format::ContainerPath, &["", "/", "/etc/", "/var/opt"]),
    (Format::DeviceCgroupRule, &["c 1:3 mr", "c 7:128 rwm"]),
    (
        Format::Link,
        &[
            "rec_p1",
            "rec_p1:alias1",
            "1ab14fa43b3c_recproj1_db_1:db_1",
            "/db:/web/db",
        ],
    ),
    (
        Format::ExtraHost,
        &[
            "foo:1.2.3.4",
            "hg:host-gateway",
            "v6:::1",
            "hello.world.test:127.0.0.1",
        ],
    ),
    (
        Format::Env,
        &["A=b", "EMPTY", "EMPTY=", "X= =\n", "ünï=c", "A=\t\r\n"],
    ),
    (
        Format::Signal,
        &["", "9", "KILL", "SIGINT", "SIGRTMIN+3", "RTMAX-14"],
    ),
    (Format::Duration, &["", "0", "-1", "30000000000"]),
    (Format::Bytes, &["67108864"]),
    (Format::Seconds, &["10"]),
    (
        Format::Timestamp,
        &[
            "",
            "0",
            "1795468896.537393957",
            "24h",
            "1h30m",
            "2026-01-02T03:04:05.6Z",
            "2026-01-02T03:04:05+01:00",
        ],
    ),
    (
        Format::ContainerReference,
        &[
            "",
            "rec_p1",
            "/rec_p1",
            "goofy_wilson/mylink",
            "a97b9e77",
            "busybox:latest",
            "localhost:5000/foo@sha256:387b3f1ad980061dc9ee7d6920490b4e370991dc923e57ce53c9b724a89e4b10",
        ],
    ),
    (
        Format::ContainerName,
        &["", "rec_p1", "/rec_p1", "86704cf90348_recproj-oneshot-1"],
    ),
    (
        Format::NetworkReference,
        &[
            "",
            "bridge",
            "fe2e0ab0b064",
            "test 01",
            "wssusnvlkksup9wm9owb8lqnr",
        ],
    ),
    (Format::VolumeName, &["", "recvol_node", "a"]),
    (
        Format::TmpfsOptions,
        &[
            "",
            "rw",
            "size=64k",
            "rw,noexec,nosuid,size=65536k,mode=1777",
            "exec,size=50%,uid=1000,gid=1000,nr_inodes=4k",
        ],
    ),
    (
        Format::Platform,
        &[
            "",
            "linux",
            "linux/amd64",
            "linux/arm64/v8",
            "windows/amd64",
        ],
    ),
    (
        Format::SysctlKey,
        &[
            "net.ipv4.ip_forward",
            "kernel.msgmax",
            "net.ipv4.conf.eth0/100.forwarding",
        ],
    ),
    (Format::UlimitName, &["nofile", "core", "nproc"]),
    (
        Format::LogDriver,
        &["", "none", "json-file", "grafana/loki-docker-driver:latest"],
    ),
    (Format::Runtime, &["", "runc", "io.containerd.runc.v2"]),
    (
        Format::RegistryHost,
        &[
            "",
            "127.0.0.1:5001",
            "http://127.0.0.1:5001",
            "https://index.docker.io/v1/",
            "registry.example.com",
        ],
    ),
    (
        Format::DetachKeys,
        &["", "ctrl-p", "ctrl-p,ctrl-q", "ctrl-a,x", "ctrl-@", "DEL"],
    ),
    (Format::Group, &["1000", "docker"]),
    (
        Format::DockerfileInstruction,
        &["", "CMD [\"sh\"]", "RUN a \\\n  b"],
    ),
    (
        Format::Hostname,
        &[
            "",
            "h",
            "foobar.baz.com",
            "h-{{.Task.Slot}}",
            "{{ .Node.Hostname }}",
        ],
    ),
    (
        Format::Tag,
        &[
            "",
            "latest",
            "3.10",
            "_x",
            "sha256:387b3f1ad980061dc9ee7d6920490b4e370991dc923e57ce53c9b724a89e4b10",
        ],
    ),
    (
        Format::Url,
        &[
            "",
            "-",
            "http://127.0.0.1:1/x.tar",
            "git@example.com:a/b.git#main:dir",
            "client-session",
        ],
    ),
];

/// What an Engine reads as something else, or not at all.
const REFUSED: &[(Format, &[&str])] = &[
    (
        Format::IpAddress,
        &[
            "127.1",
            "localhost",
            " 127.0.0.1",
            "0177.0.0.1",
            "fe80::1%eth0",
        ],
    ),
    (
        Format::Cidr,
        &[
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/",
        ],
    ),
    (Format::Duration, &["1s", "1.0", "+1", "-", "1e3"]),
    (Format::Timestamp, &["now", "1 h", "rec_py1", "${x}"]),
    (Format::LogDriver, &["JSON FILE", "-x", "../x"]),
    (Format::Runtime, &["/usr/bin/runc", "a/b", "-x", "runc "]),
    (Format::Hostname, &["a b", "h\tx", "\u{130}"]),
    (Format::Url, &["http://a/ b", "http://\u{fc}"]),
    (Format::HostPath, &["etc", "./x", "C:\\x", "~/x"]),
    (Format::ContainerPath, &["b", "\\b", "C:\\x"]),
];

#[test]
fn every_format_has_one_name() {
    for (index, &format) in Format::ALL.iter().enumerate() {
        assert_eq!(Format::from_name(format.name()), Some(format));
        let again = Format::ALL
            .iter()
            .filter(|other| other.name() == format.name());
        assert_eq!(again.count(), 1, "{index}");
    }
    assert_eq!(Format::from_name("Bind"), None);
    assert_eq!(Format::from_name(""), None);
}

#[test]
fn what_clients_send_passes_unchanged() {
    for &(format, texts) in ACCEPTED {
        for &text in texts {
            let canonical = format.canonical(text);
            assert!(
                matches!(canonical, Ok(Cow::Borrowed(borrowed)) if borrowed == text),
                "{format:?} {text:?} became {canonical:?}"
            );
        }
    }
}

#[test]
fn every_format_has_accepted_texts() {
    for format in Format::ALL {
        assert!(
            ACCEPTED.iter().any(|(listed, _)| listed == format),
            "{format:?}"
        );
    }
}

#[test]
fn what_has_no_single_meaning_is_refused() {
    for &(format, texts) in REFUSED {
        for &text in texts {
            assert!(format.canonical(text).is_err(), "{format:?} {text:?}");
        }
    }
}

#[test]
fn the_empty_text_means_unset_or_is_refused() {
    let refused: Vec<_> = Format::ALL
        .iter()
        .filter(|format| format.canonical("").is_err())
        .map(|format| format.name())
        .collect();
    assert_eq!(
        refused,
        [
            "bind",
            "volumes-from",
            "capability",
            "port",
            "security-opt",
            "device-cgroup-rule",
            "link",
            "extra-host",
            "env",
            "sysctl-key",
            "ulimit-name",
            "group",
        ]
    );
}

#[test]
fn control_characters_are_refused() {
    for &(format, texts) in ACCEPTED {
        for text in texts {
            for control in ['\0', '\n', '\r', '\t', '\u{1b}', '\u{7f}', '\u{85}'] {
                let multiline = match format {
                    Format::Env | Format::DockerfileInstruction => control != '\0',
                    Format::SecurityOpt => {
                        text.starts_with("seccomp={") && matches!(control, '\n' | '\r' | '\t')
                    }
                    Format::SecurityOptValue => matches!(control, '\n' | '\r' | '\t'),
                    _ => false,
                };
                let dirty = format!("{text}{control}");
                assert_eq!(
                    format.canonical(&dirty).is_ok(),
                    multiline,
                    "{format:?} {dirty:?}"
                );
            }
        }
    }
}

#[test]
fn canonical_texts_are_their_own_canonical_form() {
    let mut texts: Vec<String> = ACCEPTED
        .iter()
        .flat_map(|(_, texts)| texts.iter().map(ToString::to_string))
        .collect();
    for index in 0..texts.len() {
        let text = texts[index].clone();
        texts.push(text.to_uppercase());
        texts.push(format!("/{text}/../x"));
        texts.push(text.replace('=', ":"));
        texts.push(text.replace('.', "/"));
        texts.push(format!("+0{text}"));
        texts.push(format!("{text}:"));
        texts.push(format!("{text}/TCP"));
        texts.push(text.chars().rev().collect());
        texts.push(text.replace('s', "\u{17f}").replace('i', "\u{131}"));
    }
    for &format in Format::ALL {
        for text in &texts {
            let Ok(canonical) = format.canonical(text) else {
                continue;
            };
            assert_eq!(canonical.is_empty(), text.is_empty(), "{format:?} {text:?}");
            assert_eq!(
                format.canonical(&canonical),
                Ok(Cow::Borrowed(canonical.as_ref())),
                "{format:?} {text:?}"
            );
            let borrowed = matches!(canonical, Cow::Borrowed(_));
            assert!(
                borrowed || canonical != text.as_str(),
                "{format:?} {text:?}"
            );
        }
    }
}

#[test]
fn errors_do_not_repeat_the_text() {
    let error = Format::Capability.canonical("hunter2").unwrap_err();
    assert_eq!(error, FormatError::new("is not a known capability"));
    assert_eq!(error.to_string(), "is not a known capability");
}
