//! Other protocols, and requests that name themselves as such: HTTP/2 in all its
//! beginnings, gRPC, and bodies that the Engine would read as parameters.

use crate::support::{CREATE, Engine, PING, Setup, over_both, refused};

const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn other_protocol_versions_are_refused() {
    over_both(async |transport| {
        for bytes in [
            PREFACE,
            // All that a parser of requests sees of a preface that comes in pieces.
            "PRI * HTTP/2.0\r\n\r\n",
            "GET /_ping HTTP/2.0\r\nHost: a\r\n\r\n",
            "GET /_ping HTTP/1.2\r\nHost: a\r\n\r\n",
            "GET /_ping http/1.1\r\nHost: a\r\n\r\n",
        ] {
            refused(transport, bytes.as_bytes(), 505, "HTTP/1.1").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_preface_of_http_2_is_refused_behind_a_request_as_well() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        // Behind the answer, together with the request, and after the offer of an
        // upgrade, which is not the Engine's to see.
        let offer = "GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade, HTTP2-Settings\r\n\
                     Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
        for (first, then) in [
            (PING.to_owned(), PREFACE),
            (format!("{PING}{PREFACE}"), ""),
            (offer.to_owned(), PREFACE),
        ] {
            let mut client = setup.client().await;
            assert_eq!(client.ask(first).await.status, 200);
            client.send(then).await;
            assert_eq!(client.answer().await.status, 505);
            client.ended().await;
        }
        let seen = engine.seen();
        assert_eq!(seen.len(), 3);
        for request in seen {
            assert_eq!(request.line(), "GET /v1.51/_ping HTTP/1.1");
            for name in ["upgrade", "connection", "http2-settings"] {
                assert_eq!(request.header(name), None, "{request:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn bodies_that_the_engine_would_read_as_parameters_are_refused() {
    over_both(async |transport| {
        for kind in [
            "application/x-www-form-urlencoded",
            "APPLICATION/x-www-form-urlencoded; charset=utf-8",
            "application/x-www-form-urlencoded;;;",
            "multipart/form-data; boundary=x",
            "Multipart/Mixed",
            "application/json\r\nContent-Type: application/x-www-form-urlencoded",
            "application/json, multipart/form-data",
        ] {
            for target in [
                "/v1.51/containers/x/kill?signal=CONT",
                "/v1.51/images/create?fromImage=busybox",
                "/v1.51/build",
                "/v1.51/build/prune",
            ] {
                let request = format!(
                    "POST {target} HTTP/1.1\r\nHost:\r\nContent-Type: {kind}\r\nContent-Length: 3\r\n\r\na=b"
                );
                refused(transport, request.as_bytes(), 400, "content types").await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn grpc_is_refused_whatever_is_asked_for() {
    over_both(async |transport| {
        for kind in [
            "application/grpc",
            "application/grpc+proto",
            "Application/gRPC-Web",
        ] {
            let create = format!("{CREATE}Content-Type: {kind}\r\nContent-Length: 2\r\n\r\n{{}}");
            refused(transport, create.as_bytes(), 400, "content types").await;
            for line in [
                "POST /moby.buildkit.v1.Control/Info",
                "GET /_ping",
                "POST /v1.51/grpc",
            ] {
                let request = format!(
                    "{line} HTTP/1.1\r\nHost:\r\nTE: trailers\r\nContent-Type: {kind}\r\n\r\n"
                );
                refused(transport, request.as_bytes(), 400, "content types").await;
            }
        }
    })
    .await;
}
