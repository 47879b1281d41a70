//! `docker --tlsverify` through the gate: who is which client is in the certificate.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use super::Result;
use super::certs::{Authority, Wanted};
use super::gate::start::{Running, Started, start};
use super::test_engine::TestEngine;
use super::{ALLOWED, stderr, stdout};

#[test]
fn a_docker_client_works_by_tls_and_is_known_by_its_certificate() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let folder = tempdir()?;
    let own = Authority::new("own");
    own.gate().write(folder.path(), "server");
    fs::write(folder.path().join("ca.pem"), own.pem())?;
    let config = folder.path().join("opgate.yaml");
    fs::write(&config, policy(engine.socket()))?;
    let Started {
        child,
        said,
        mut lines,
    } = start(&config, "")?;
    let _running = Running::new(child, move || while let Some(Ok(_)) = lines.next() {});
    let (_, rest) = said.split_once("tcp://").ok_or("no TCP listener")?;
    let address = rest.split(' ').next().unwrap_or_default();

    let docker = |name: &str, by: &Authority, arguments: &[&str]| -> Result<_> {
        let certificates = folder.path().join(name);
        fs::create_dir_all(&certificates)?;
        let issued = by.issue(Wanted {
            names: vec![name],
            ..Wanted::default()
        });
        issued.write(&certificates, "cert");
        fs::rename(
            certificates.join("cert-key.pem"),
            certificates.join("key.pem"),
        )?;
        fs::write(certificates.join("ca.pem"), own.pem())?;
        let host = format!("tcp://{address}");
        let mut command = engine.command_at(host.as_ref(), arguments);
        command.env("DOCKER_TLS_VERIFY", "1");
        command.env("DOCKER_CERT_PATH", &certificates);
        Ok(command.output()?)
    };
    let echo = ["run", "--rm", "busybox", "sh", "-c", "seq 100000; exit 7"];
    let ran = docker("ci", &own, &echo)?;
    let direct = engine.docker(engine.socket(), &echo)?;
    assert_eq!(ran.status.code(), Some(7), "{}", stderr(&ran));
    assert!(stdout(&ran) == stdout(&direct));

    let listed = docker("watch", &own, &["ps", "--quiet", "--no-trunc"])?;
    assert!(listed.status.success(), "{}", stderr(&listed));
    let refused = docker("watch", &own, &echo)?;
    let said = stderr(&refused);
    assert!(
        said.contains("ContainerCreate refused for client watch"),
        "{said}"
    );

    let nobody = docker("nobody", &own, &["ps"])?;
    let said = stderr(&nobody);
    assert!(said.contains("no client fits this connection"), "{said}");
    let stranger = docker("ci", &Authority::new("own"), &["ps"])?;
    assert!(!stranger.status.success());
    assert!(stdout(&stranger).is_empty() || !stdout(&stranger).contains("CONTAINER"));
    Ok(())
}

fn policy(engine: &Path) -> String {
    format!(
        "api: '1.51'\nlisten:\n- tcp: 127.0.0.1:0\n  tls: {{ cert: server.pem, key: server-key.pem, client_ca: ca.pem }}\n\
         upstream: unix://{}\nclients:\n\
         \x20 ci: {{ policies: [all], when: {{ tls: {{ cn: ci }} }} }}\n\
         \x20 watch: {{ policies: [list], when: {{ tls: {{ cn: watch }} }} }}\n\
         policies:\n\
         \x20 list: {{ allow: [SystemPing, SystemPingHead, ContainerList] }}\n\
         \x20 all: {{ allow: [{}] }}\n",
        engine.display(),
        ALLOWED.join(", ")
    )
}
