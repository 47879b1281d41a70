//! A stand-in for the Engine: the answers of one, made beforehand.
//!
//! It knows `version`, the list of containers, and their creation; whatever else
//! reaches it is refused. A list is chunked, as the Engine does it with answers
//! of that size.

use std::fmt::Write as _;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::LocalSet;

use super::Failure;
use super::message::Message;

/// How many containers run: enough for a list of some 20 KiB.
const CONTAINERS: usize = 20;

/// The largest request that is taken.
const REQUEST_MAX: usize = 1 << 20;

/// Every answer, head and body.
struct Answers {
    version: Vec<u8>,
    list: Vec<u8>,
    created: Vec<u8>,
    refused: Vec<u8>,
}

/// Serves the socket until the process is ended.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let socket = arguments.next().ok_or("which socket?")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let answers = Rc::new(Answers::new());
    LocalSet::new().block_on(&runtime, async {
        let listener = UnixListener::bind(socket)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let answers = Rc::clone(&answers);
            // A peer that breaks off has its own reasons.
            tokio::task::spawn_local(async move { drop(serve(stream, &answers).await) });
        }
    })
}

async fn serve(mut stream: UnixStream, answers: &Answers) -> Result<(), Failure> {
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        while let Some(request) = Message::find(&buffer)? {
            let (answer, length) = (answers.to(request.start), request.length);
            stream.write_all(answer).await?;
            buffer.drain(..length);
        }
        if buffer.len() > REQUEST_MAX || stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
    }
}

impl Answers {
    fn new() -> Self {
        Self {
            version: answer(
                "200 OK",
                r#"{"Version":"28.5.2","ApiVersion":"1.51","MinAPIVersion":"1.24"}"#,
            ),
            list: chunked("200 OK", &list()),
            created: answer(
                "201 Created",
                &format!(r#"{{"Id":"{:064x}","Warnings":[]}}"#, 0xfeed),
            ),
            refused: answer("403 Forbidden", r#"{"message":"not here"}"#),
        }
    }

    fn to(&self, request: &str) -> &[u8] {
        let mut words = request.split(' ');
        let (method, target) = (words.next(), words.next().unwrap_or_default());
        let path = target.split('?').next().unwrap_or_default();
        match method {
            Some("GET") if path.ends_with("/version") => &self.version,
            Some("GET") if path.ends_with("/containers/json") => &self.list,
            Some("POST") if path.ends_with("/containers/create") => &self.created,
            _ => &self.refused,
        }
    }
}

/// The header lines that every answer of the Engine has.
const HEADERS: &str = "Api-Version: 1.51\r\nContent-Type: application/json\r\n\
    Docker-Experimental: false\r\nOstype: linux\r\nServer: Docker/28.5.2 (linux)\r\n\
    Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n";

fn answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len() + 1;
    format!("HTTP/1.1 {status}\r\n{HEADERS}Content-Length: {length}\r\n\r\n{body}\n").into_bytes()
}

fn chunked(status: &str, body: &str) -> Vec<u8> {
    let size = body.len() + 1;
    format!(
        "HTTP/1.1 {status}\r\n{HEADERS}Transfer-Encoding: chunked\r\n\r\n\
         {size:x}\r\n{body}\n\r\n0\r\n\r\n"
    )
    .into_bytes()
}

fn list() -> String {
    let mut list = String::from("[");
    for number in 0..CONTAINERS {
        let comma = if number == 0 { "" } else { "," };
        // Nothing is written to a string in vain.
        let _ = write!(
            list,
            r#"{comma}{{"Id":"{number:064x}","Names":["/shop-web-{number}"],"Image":"registry.example.net/shop/web:4.2","ImageID":"sha256:{number:064x}","Command":"/docker-entrypoint.sh nginx -g 'daemon off;'","Created":1700000000,"Ports":[{{"IP":"127.0.0.1","PrivatePort":80,"PublicPort":{port},"Type":"tcp"}}],"Labels":{{"com.docker.compose.config-hash":"{number:064x}","com.docker.compose.container-number":"1","com.docker.compose.project":"shop","com.docker.compose.project.working_dir":"/srv/shop","com.docker.compose.service":"web","com.docker.compose.version":"2.40.3","maintainer":"shop@example.net"}},"State":"running","Status":"Up 3 hours","HostConfig":{{"NetworkMode":"shop_default"}},"NetworkSettings":{{"Networks":{{"shop_default":{{"IPAMConfig":null,"Links":null,"Aliases":null,"MacAddress":"02:42:ac:12:00:02","NetworkID":"{number:064x}","EndpointID":"{number:064x}","Gateway":"172.18.0.1","IPAddress":"172.18.0.2","IPPrefixLen":16,"IPv6Gateway":"","GlobalIPv6Address":"","GlobalIPv6PrefixLen":0,"DriverOpts":null,"DNSNames":null}}}}}},"Mounts":[{{"Type":"volume","Name":"shop_data","Source":"","Destination":"/data","Driver":"local","Mode":"z","RW":true,"Propagation":""}}]}}"#,
            port = 8000 + number,
        );
    }
    list.push(']');
    list
}
