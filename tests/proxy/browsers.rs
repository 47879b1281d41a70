//! What web pages can make a browser send: refused where browsers can connect, and
//! of no meaning where they cannot.

use opgate::proxy::Decision;

use crate::support::{CREATE, Call, Engine, PING, Setup, Transport, refused, within};

const UPGRADED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

fn websocket(lines: &str) -> String {
    format!(
        "GET /v1.51/containers/x/attach/ws?stream=1 HTTP/1.1\r\n{lines}\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// Requests as browsers send them, each with what the refusal says.
fn requests() -> Vec<(String, &'static str)> {
    let local = "Host: 127.0.0.1:2375\r\n";
    let create = r#"{"Image":"busybox"}"#;
    vec![
        // An image, a form or a script of any page, and an address typed in.
        (
            format!(
                "GET /_ping HTTP/1.1\r\n{local}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n"
            ),
            "Sec-Fetch-Site",
        ),
        (
            format!(
                "GET /_ping HTTP/1.1\r\n{local}Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n\r\n"
            ),
            "Sec-Fetch-Site",
        ),
        // A POST that needs no leave of the server, from a browser that says less.
        (
            format!(
                "POST /v1.51/containers/x/kill HTTP/1.1\r\n{local}Origin: https://evil.example\r\n\
                 Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 2\r\n\r\n{{}}"
            ),
            "Origin",
        ),
        (
            format!(
                "POST /v1.51/containers/x/start HTTP/1.1\r\n{local}Origin: null\r\nContent-Length: 0\r\n\r\n"
            ),
            "Origin",
        ),
        // The question for that leave.
        (
            format!(
                "OPTIONS /v1.51/containers/create HTTP/1.1\r\n{local}Origin: https://evil.example\r\n\
                 Access-Control-Request-Method: POST\r\nAccess-Control-Request-Private-Network: true\r\n\r\n"
            ),
            "Origin",
        ),
        // A websocket needs no leave at all.
        (
            websocket(&format!("{local}Origin: https://evil.example\r\n")),
            "Origin",
        ),
        // After rebinding the page asks itself: first by GET, then by POST.
        (
            "GET /_ping HTTP/1.1\r\nHost: evil.example:2375\r\n\r\n".to_owned(),
            "domain",
        ),
        (
            format!(
                "{}Origin: http://evil.example:2375\r\nContent-Length: {}\r\n\r\n{create}",
                CREATE.replace("Host: docker", "Host: evil.example:2375"),
                create.len()
            ),
            "Origin",
        ),
        (websocket("Host: evil.example:2375\r\n"), "domain"),
    ]
}

#[tokio::test]
async fn requests_of_browsers_are_refused_on_tcp() {
    within(async {
        for (request, about) in requests() {
            refused(Transport::Tcp, request.as_bytes(), 403, about).await;
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_of_a_browser_has_a_meaning_on_a_unix_socket() {
    within(async {
        let setup = Setup::start().await;
        let engine = Engine::plain(&setup.engine_path());
        let requests = requests();
        for (request, _) in &requests {
            // No operation has this method, whoever asks.
            let status = if request.starts_with("OPTIONS") {
                404
            } else {
                200
            };
            let mut client = setup.client().await;
            let answer = client.ask(request).await;
            assert_eq!(answer.status, status, "{request}: {answer:?}");
        }
        let seen = engine.seen();
        assert_eq!(seen.len(), requests.len() - 1);
        for request in seen {
            assert_eq!(request.header("sec-fetch-site"), None, "{request:?}");
            assert_eq!(request.header("host"), Some("docker"), "{request:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_browser_gets_one_answer_and_no_more() {
    within(async {
        let setup = Setup::over(Transport::Tcp).await;
        let engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        let refused = PING.replace("\r\n\r\n", "\r\nSec-Fetch-Site: same-origin\r\n\r\n");
        client.send(format!("{PING}{refused}{PING}")).await;
        assert_eq!(client.answer().await.status, 200);
        assert_eq!(client.answer().await.status, 403);
        client.ended().await;
        assert_eq!(engine.seen().len(), 1);
        let records = setup.records.take(2).await;
        assert_eq!(records[1].decision, Decision::Refused);
        assert_eq!(records[1].operation, None);
    })
    .await;
}

#[tokio::test]
async fn programs_are_served_by_the_names_that_they_use() {
    within(async {
        let setup = Setup::over(Transport::Tcp).await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            if call.line().contains("attach/ws") {
                call.io.send(UPGRADED).await;
                return None;
            }
            call.io.answer("200 OK", "{}").await;
            Some(call.io)
        });
        let hosts = [
            "127.0.0.1:2375",
            "localhost:2375",
            "[::1]:2375",
            "docker:2375",
            "",
        ];
        for host in hosts {
            let mut client = setup.client().await;
            let request = format!("GET /_ping HTTP/1.1\r\nHost: {host}\r\n\r\n");
            assert_eq!(client.ask(request).await.status, 200, "{host}");
        }
        // Websocket clients say where they connect to.
        for origin in ["http://127.0.0.1:2375", "http://localhost"] {
            let mut client = setup.client().await;
            client
                .send(websocket(&format!(
                    "Host: localhost:2375\r\nOrigin: {origin}\r\n"
                )))
                .await;
            assert_eq!(client.head().await.status, 101, "{origin}");
        }
        assert_eq!(engine.seen().len(), hosts.len() + 2);
    })
    .await;
}
