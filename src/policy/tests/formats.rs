//! What rules can speak of by what it means: one rule for each, with what it admits,
//! what it refuses, and what comes close.

use super::matchers::judge;

/// What it is, a rule on the host configuration, and bodies of it: fitting, not
/// fitting, and close to fitting.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const HOST_CONFIG: &[Case] = &[
    (
        "binds",
        "{ Binds: { each: { source: { under: /srv }, read_only: true } } }",
        r#"{"Binds":["/srv/a:/a:ro"]}"#,
        r#"{"Binds":["/etc:/a:ro"]}"#,
        r#"{"Binds":["/srv/a:/a"]}"#,
    ),
    (
        "mounts",
        "{ Mounts: { each: { Type: volume, Source: { glob: ci_* } } } }",
        r#"{"Mounts":[{"Type":"volume","Source":"ci_a","Target":"/a"}]}"#,
        r#"{"Mounts":[{"Type":"bind","Source":"/srv","Target":"/a"}]}"#,
        r#"{"Mounts":[{"Type":"volume","Source":"ci_a","Target":"/a","VolumeOptions":{"DriverConfig":{"Name":"nfs"}}}]}"#,
    ),
    (
        "ports",
        "{ PortBindings: { keys: { port: { min: 8000 }, protocol: tcp }, values: { each: { HostIp: 127.0.0.1, HostPort: { min: 8000, max: 8999 } } } } }",
        r#"{"PortBindings":{"8080/tcp":[{"HostIp":"127.0.0.1","HostPort":"8000-8999"}]}}"#,
        r#"{"PortBindings":{"8080/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]}}"#,
        r#"{"PortBindings":{"8080/tcp":[{"HostIp":"127.0.0.1","HostPort":"8999-9000"}]}}"#,
    ),
    (
        "ports of the host that are kept out",
        "{ PortBindings: { keys: any, values: { each: { HostIp: 127.0.0.1, HostPort: { not: 9000 } } } } }",
        r#"{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]}}"#,
        r#"{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"9000"}]}}"#,
        r#"{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8999-9001"}]}}"#,
    ),
    (
        "devices",
        "{ Devices: { each: { PathOnHost: { under: /dev/snd }, PathInContainer: { under: /dev/snd }, CgroupPermissions: [r, rw] } } }",
        r#"{"Devices":[{"PathOnHost":"/dev/snd/seq","PathInContainer":"/dev/snd/seq","CgroupPermissions":"rw"}]}"#,
        r#"{"Devices":[{"PathOnHost":"/dev/sda","PathInContainer":"/dev/snd/a","CgroupPermissions":"rw"}]}"#,
        r#"{"Devices":[{"PathOnHost":"/dev/snd/seq","PathInContainer":"/dev/snd/seq","CgroupPermissions":"rwm"}]}"#,
    ),
    (
        "capabilities",
        "{ CapAdd: { subset: [NET_BIND_SERVICE, CHOWN] } }",
        r#"{"CapAdd":["cap_net_bind_service"]}"#,
        r#"{"CapAdd":["SYS_ADMIN"]}"#,
        r#"{"CapAdd":["CHOWN","ALL"]}"#,
    ),
    (
        "capabilities that are dropped",
        "{ CapDrop: { contains: ALL } }",
        r#"{"CapDrop":["KILL","all"]}"#,
        r#"{"CapDrop":["KILL"]}"#,
        "{}",
    ),
    (
        "security options",
        "{ SecurityOpt: { each: { name: [apparmor, no-new-privileges], value: { not: unconfined } } } }",
        r#"{"SecurityOpt":["apparmor=ci","no-new-privileges:true"]}"#,
        r#"{"SecurityOpt":["seccomp=builtin"]}"#,
        r#"{"SecurityOpt":["apparmor:unconfined"]}"#,
    ),
    (
        "namespace modes",
        "{ IpcMode: [private, shareable] }",
        r#"{"IpcMode":"shareable"}"#,
        r#"{"IpcMode":"host"}"#,
        r#"{"IpcMode":"container:x"}"#,
    ),
    (
        "ulimits",
        "{ Ulimits: { each: { Name: [nofile, nproc], Hard: { max: 65536 }, Soft: { max: 65536 } } } }",
        r#"{"Ulimits":[{"Name":"NOFILE","Hard":65536,"Soft":1024}]}"#,
        r#"{"Ulimits":[{"Name":"memlock","Hard":1,"Soft":1}]}"#,
        // Less than nothing is no limit.
        r#"{"Ulimits":[{"Name":"nofile","Hard":-1,"Soft":-1}]}"#,
    ),
    (
        "sysctls",
        "{ Sysctls: { keys: net.ipv4.ip_unprivileged_port_start, values: ['0', '80'] } }",
        r#"{"Sysctls":{"net/ipv4/ip_unprivileged_port_start":"0"}}"#,
        r#"{"Sysctls":{"net.ipv4.ip_forward":"0"}}"#,
        r#"{"Sysctls":{"net.ipv4.ip_unprivileged_port_start":"1"}}"#,
    ),
    (
        "sysctls one by one",
        "{ Sysctls: { keys: [net.core.somaxconn, net.ipv4.ip_forward], not: { contains: { net.ipv4.ip_forward: { not: '0' } } } } }",
        r#"{"Sysctls":{"net.core.somaxconn":"1024","net.ipv4.ip_forward":"0"}}"#,
        r#"{"Sysctls":{"net.ipv4.ip_forward":"1"}}"#,
        r#"{"Sysctls":{"net/ipv4/ip_forward":"1"}}"#,
    ),
    (
        "restart policy",
        "{ RestartPolicy: { Name: [no, on-failure], MaximumRetryCount: { max: 5 } } }",
        r#"{"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":5}}"#,
        r#"{"RestartPolicy":{"Name":"always"}}"#,
        r#"{"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":6}}"#,
    ),
    (
        "log driver and options",
        "{ LogConfig: { Type: [syslog], Config: { keys: [syslog-address, tag], values: any, contains: { syslog-address: { glob: 'udp://10.0.0.1:*' } } } } }",
        r#"{"LogConfig":{"Type":"syslog","Config":{"syslog-address":"udp://10.0.0.1:514"}}}"#,
        r#"{"LogConfig":{"Type":"fluentd","Config":{"syslog-address":"udp://10.0.0.1:514"}}}"#,
        r#"{"LogConfig":{"Type":"syslog","Config":{"tag":"x"}}}"#,
    ),
    (
        "addresses",
        "{ Dns: { each: { cidr: [10.0.0.0/8, 'fd00::/8'] } } }",
        r#"{"Dns":["10.1.2.3","fd00::1"]}"#,
        r#"{"Dns":["8.8.8.8"]}"#,
        r#"{"Dns":["10.1.2.3","fe00::1"]}"#,
    ),
    (
        "host names and addresses",
        "{ ExtraHosts: { each: { host: { glob: '*.test' }, address: { cidr: 127.0.0.0/8 } } } }",
        r#"{"ExtraHosts":["a.test:127.0.0.1"]}"#,
        r#"{"ExtraHosts":["a.test:169.254.169.254"]}"#,
        r#"{"ExtraHosts":["a.test:host-gateway"]}"#,
    ),
    (
        "bytes",
        "{ ShmSize: { max: 64m } }",
        r#"{"ShmSize":67108864}"#,
        r#"{"ShmSize":67108865}"#,
        r#"{"ShmSize":-1}"#,
    ),
];

const BODY: &[Case] = &[
    (
        "users",
        "{ User: { uid: { min: 1000 } } }",
        r#"{"User":"1000:0"}"#,
        r#"{"User":"0"}"#,
        r#"{"User":"app"}"#,
    ),
    (
        "argv",
        "{ Cmd: { starts_with: [npm, run] }, Entrypoint: absent }",
        r#"{"Cmd":["npm","run","test"]}"#,
        r#"{"Cmd":["sh","-c","npm run"]}"#,
        r#"{"Cmd":"npm run"}"#,
    ),
    (
        "environment",
        "{ Env: { each: { name: { not: [LD_PRELOAD, DOCKER_HOST] } } } }",
        r#"{"Env":["A=LD_PRELOAD"]}"#,
        r#"{"Env":["LD_PRELOAD=/x.so"]}"#,
        r#"{"Env":["A=1","DOCKER_HOST"]}"#,
    ),
    (
        "durations",
        "{ Healthcheck: { Interval: { min: 10s } }, StopTimeout: { max: 1m } }",
        r#"{"Healthcheck":{"Interval":10000000000},"StopTimeout":60}"#,
        r#"{"Healthcheck":{"Interval":10000000000},"StopTimeout":61}"#,
        r#"{"Healthcheck":{"Interval":9999999999},"StopTimeout":60}"#,
    ),
    (
        "host names",
        "{ Hostname: { glob: ci-* } }",
        r#"{"Hostname":"ci-1"}"#,
        r#"{"Hostname":"db"}"#,
        r#"{"Hostname":""}"#,
    ),
];

#[test]
fn each_can_be_spoken_of() {
    let body = |rule: &str| format!("{{ body: {rule} }}");
    let in_host_config = |(name, rule, fits, fits_not, close): &Case| {
        let host = |config: &str| format!(r#"{{"HostConfig":{config}}}"#);
        let bodies = [host(fits), host(fits_not), host(close)];
        (*name, body(&format!("{{ HostConfig: {rule} }}")), bodies)
    };
    let in_body = |(name, rule, fits, fits_not, close): &Case| {
        let bodies = [fits, fits_not, close].map(|body| (*body).to_owned());
        (*name, body(rule), bodies)
    };
    let all = HOST_CONFIG.iter().map(in_host_config);
    for (name, rule, [fits, fits_not, close]) in all.chain(BODY.iter().map(in_body)) {
        assert_eq!(judge(&rule, &fits), Ok(()), "{name}: {fits}");
        for refused in [&fits_not, &close] {
            assert!(judge(&rule, refused).is_err(), "{name}: {refused}");
        }
    }
}
