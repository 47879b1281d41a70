//! One client's connection: requests in their order, each to its end before the
//! next is looked at.
//!
//! The life of a request is [`Connection::pass`]: head, framing, gate, body,
//! Engine, judgement, and then `forward` or a tunnel. Whatever stops it on the
//! way becomes one answer in `refuse`, and leaves the connection either exactly
//! before the next request or closed. One policy judges a request from its
//! beginning to its end, whatever is reloaded meanwhile.

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::alarm::Alarm;
use super::body::{BodyError, BodyReader};
use super::browser;
use super::client::{ClientReader, PeerRead};
use super::forward::{Exchange, Forwarded, late};
use super::framing::Framing;
use super::head::{Head, HeadError, Scanner, Version};
use super::identity::Identity;
use super::limits::{BODY_READ, HEAD_READ, JSON_DEPTH_MAX, LINGER_BYTES, Limits, OWN_ANSWER_TIME};
use super::record::Entry;
use super::rescue::Failure;
use super::response::{ClientWriter, Form};
use super::tunnel::{self, Opened, TunnelEnd};
use super::{InForce, Proxy, farewell, stopped};
use crate::api::decode;
use crate::gate::{BodyPlan, NOBODY, Permit, Refusal, RequestHead};
use crate::identity::Caller;
use crate::policy::Client;

/// A client's connection.
pub(crate) struct Connection<R, W> {
    reader: ClientReader<R>,
    writer: ClientWriter<W>,
    proxy: Arc<Proxy>,
    caller: Caller,
    identity: Identity,
    stopping: watch::Receiver<bool>,
    /// Those of the request under way, or of the wait for one.
    limits: Arc<Limits>,
    /// When the request under way must be answered.
    deadline: Option<Instant>,
    /// Between two requests.
    idle: Alarm,
}

/// What the connection is good for after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The next request, which begins with the next byte.
    Request,
    /// Nothing, but the client may still have to read what it was told.
    Linger,
    /// Nothing at all.
    Close,
}

/// What came where a request head was expected.
enum NextHead {
    Head(Bytes),
    Refused(HeadError),
    /// Nothing.
    Nothing,
}

/// How a request was passed on.
enum Passed {
    Forwarded(Forwarded),
    Tunnelled(TunnelEnd),
}

impl<R: PeerRead, W: AsyncWrite + Unpin + Send> Connection<R, W> {
    /// A connection of which nothing was read yet.
    pub(crate) fn new(
        reader: R,
        writer: W,
        proxy: Arc<Proxy>,
        caller: Caller,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let limits = Arc::clone(proxy.in_force.borrow().limits.of(caller.listener));
        Self {
            reader: ClientReader::new(reader, limits.unclear_time),
            writer: ClientWriter::new(writer),
            limits,
            deadline: None,
            proxy,
            caller,
            identity: Identity::default(),
            stopping,
            idle: Alarm::new(),
        }
    }

    /// Serves requests until the client, a refusal or a shutdown ends it.
    pub(crate) async fn run(mut self) {
        loop {
            let next = match self.next_head().await {
                // On the heap, for as long as it takes: a connection that waits needs
                // little beside it.
                NextHead::Head(bytes) => Box::pin(self.exchange(&bytes)).await,
                NextHead::Refused(error) => self.refuse_head(error).await,
                NextHead::Nothing => return,
            };
            match next {
                Next::Request => {}
                Next::Linger => return self.linger().await,
                Next::Close => return,
            }
        }
    }

    async fn next_head(&mut self) -> NextHead {
        // Nothing else of it is kept: a client that waits must not hold on to
        // policies that are gone.
        self.limits = Arc::clone(self.proxy.in_force.borrow().limits.of(self.caller.listener));
        let limits = &self.limits;
        self.reader.settle();
        if self.reader.buffer().is_empty() {
            let first = tokio::select! {
                biased;
                () = stopped(&mut self.stopping) => return NextHead::Nothing,
                first = self.idle.within(limits.idle_time, self.reader.arrival()) => first,
            };
            if !matches!(first, Some(Ok(1..))) {
                return NextHead::Nothing;
            }
        }
        let reader = &mut self.reader;
        let head = async {
            let mut scanner = Scanner::default();
            loop {
                let length = scanner.scan(reader.buffer())?;
                if length.unwrap_or(reader.buffer().len()) > limits.head_size {
                    let limit = limits.head_size;
                    return Err(HeadError::TooLarge { limit });
                }
                if let Some(length) = length {
                    return Ok(reader.buffer().split_to(length).freeze());
                }
                if !matches!(reader.fill(HEAD_READ).await, Ok(1..)) {
                    return Err(HeadError::Truncated);
                }
            }
        };
        match timeout(limits.head_time, head).await {
            Ok(Ok(head)) => NextHead::Head(head),
            Ok(Err(error)) => NextHead::Refused(error),
            Err(_) => NextHead::Refused(HeadError::TooSlow),
        }
    }

    /// Answers bytes that are no request. What follows them cannot be told from
    /// them, so the connection ends.
    async fn refuse_head(&mut self, error: HeadError) -> Next {
        let name = {
            let gate = &self.proxy.in_force.borrow().gate;
            self.identity.name(gate, &self.caller)
        };
        let mut entry = Entry::open(&self.proxy.journal, self.caller.listener, name);
        let form = Form {
            version: Version::Http11,
            head_only: false,
            close: true,
        };
        self.writer.begin();
        self.answer(&error.into(), form, &mut entry).await
    }

    /// Serves one request.
    async fn exchange(&mut self, bytes: &[u8]) -> Next {
        let head = match Head::parse(bytes) {
            Ok(head) => head,
            Err(error) => return self.refuse_head(error).await,
        };
        // The only look at it: whatever is reloaded, the request keeps this one.
        let in_force = self.proxy.in_force();
        let listener = self.caller.listener;
        self.limits = Arc::clone(in_force.limits.of(listener));
        // Counted before anybody is asked who calls: that is work, too.
        let begun = in_force.limits.begin(listener);
        let name = self.identity.name(&in_force.gate, &self.caller);
        let mut entry = Entry::open(&self.proxy.journal, listener, name);
        self.writer.begin();
        let mut form = Form {
            version: head.version,
            head_only: head.method == "HEAD",
            close: true,
        };
        let framing = match Framing::of(&head) {
            Ok(framing) => framing,
            Err(error) => return self.answer(&error.into(), form, &mut entry).await,
        };
        if !in_force.tls.admits(&self.caller) {
            let message = "opgate: the listener has changed: connect again";
            let refusal = Failure::Refused(Refusal::new(503, message));
            return self.answer(&refusal, form, &mut entry).await;
        }
        if !self.reader.is_verified(in_force.tls.of(listener)) {
            entry.identified(NOBODY.into());
            let message = "opgate: the certificate of this connection is not accepted any more";
            let refusal = Refusal::new(403, message).having_seen(self.caller.to_string());
            return self
                .answer(&Failure::Refused(refusal), form, &mut entry)
                .await;
        }
        // The connection ends with it: there is nothing here for a browser.
        if R::OPEN_TO_BROWSERS
            && let Err(error) = browser::refuse(&head, self.caller.tls)
        {
            return self.answer(&error.into(), form, &mut entry).await;
        }
        form.close = !framing.keep_alive || *self.stopping.borrow();
        let mut body = BodyReader::new(framing.length, framing.expects_continue);
        match begun {
            Ok(under_way) => entry.hold(under_way),
            Err(busy) => return self.refuse(&busy.into(), &mut body, form, entry).await,
        }
        let client = match self.identify(&in_force, &mut entry).await {
            Ok(client) => client,
            Err(failure) => return self.refuse(&failure, &mut body, form, entry).await,
        };
        let asked = (&head, &framing, client);
        match self
            .pass(&in_force, asked, &mut body, form, &mut entry)
            .await
        {
            Ok(Passed::Forwarded(Forwarded::Answered)) => {
                entry.completed();
                // Its record need not wait for the rest of an upload.
                drop(entry);
                self.after(&mut body, form).await
            }
            Ok(Passed::Forwarded(Forwarded::Abandoned)) => Next::Close,
            Ok(Passed::Tunnelled(end)) => {
                if end != TunnelEnd::Stopped {
                    entry.completed();
                }
                match end {
                    TunnelEnd::Engine | TunnelEnd::Stopped => Next::Linger,
                    TunnelEnd::Client => Next::Close,
                }
            }
            Err(failure) => self.refuse(&failure, &mut body, form, entry).await,
        }
    }

    /// Tells who calls, and counts the request as one of that client.
    async fn identify(&mut self, in_force: &InForce, entry: &mut Entry) -> Result<Client, Failure> {
        let begun = Instant::now();
        let client = match self.identity.client(in_force, &self.caller).await {
            Ok(client) => client,
            Err(failure) => {
                // It was somebody until a moment ago, perhaps.
                entry.identified(NOBODY.into());
                return Err(failure);
            }
        };
        let name = in_force.gate.policies().client_name(client);
        self.limits = in_force.limits.of_request(self.caller.listener, &name);
        self.deadline = self.limits.request_time.map(|time| begun + time);
        let counted = in_force.limits.begin_of(&name);
        // One that is refused as one too many is the client's as well.
        entry.identified(name);
        entry.hold_of_client(counted?);
        Ok(client)
    }

    /// Everything that a request has to pass, in order.
    async fn pass(
        &mut self,
        in_force: &InForce,
        (head, framing, client): (&Head<'_>, &Framing<'_>, Client),
        body: &mut BodyReader,
        form: Form,
        entry: &mut Entry,
    ) -> Result<Passed, Failure> {
        let gate = &in_force.gate;
        let upstream = in_force.upstreams.of(client)?;
        let limits = Arc::clone(&self.limits);
        let request = RequestHead {
            method: head.method,
            target: head.target,
            headers: &head.headers,
        };
        let matched = gate.head_of(&request, client).map_err(Failure::Refused)?;
        entry.matched(matched.operation());
        let judged = self.read_body(&matched.body_plan(), body).await?;
        entry.count_in(body.bytes_read());

        let connection = tokio::select! {
            biased;
            connection = upstream.connection() => connection?,
            late = late(&limits, self.deadline) => return Err(late),
            () = self.reader.watch(), if body.is_done() => {
                return Ok(Passed::Forwarded(Forwarded::Abandoned));
            }
        };
        let permit = match gate.judge(matched, &judged, connection.version) {
            Ok(permit) => permit,
            Err(refusal) => {
                upstream.keep(connection);
                return Err(Failure::Refused(refusal));
            }
        };
        // What was judged is encoded now; a large body need not wait twice.
        drop(judged);
        entry.allowed(&permit);

        let exchange = Exchange {
            upstream,
            limits: &limits,
            deadline: self.deadline,
            permit: &permit,
            entry,
            form,
        };
        if let Some(token) = permit.request().tunnel() {
            // Its own connection; the judgement's serves somebody else.
            upstream.keep(connection);
            let upgrade = tunnel::asks_for(framing.upgrade, token);
            return self.tunnel(&exchange, &permit, token, upgrade).await;
        }
        // Only what is streamed is still to come here.
        self.ask_for(body).await?;
        exchange
            .forward(&mut self.reader, &mut self.writer, body, connection)
            .await
            .map(Passed::Forwarded)
    }

    /// Reads what the gate must see before it judges.
    async fn read_body(
        &mut self,
        plan: &BodyPlan,
        body: &mut BodyReader,
    ) -> Result<Bytes, Failure> {
        let Limits {
            body_time: time,
            body_size,
            json_depth,
            ..
        } = *self.limits;
        let limit = match *plan {
            BodyPlan::Buffer => body_size,
            BodyPlan::Discard { limit } => limit,
            BodyPlan::Stream => return Ok(Bytes::new()),
        };
        // Known to be too large: not even asked for.
        if body.exceeds(limit as u64) {
            return Err(BodyError::TooLarge { limit }.into());
        }
        self.ask_for(body).await?;
        Ok(match plan {
            BodyPlan::Buffer => {
                let whole = body.collect(&mut self.reader, limit, time).await?;
                // Deeper is not read anyway.
                if json_depth < JSON_DEPTH_MAX && decode::depth(&whole) > json_depth {
                    return Err(BodyError::TooDeep { limit: json_depth }.into());
                }
                whole
            }
            BodyPlan::Discard { .. } | BodyPlan::Stream => {
                body.discard(&mut self.reader, limit, time).await?;
                Bytes::new()
            }
        })
    }

    /// Asks for a body that the client holds back until it is wanted.
    async fn ask_for(&mut self, body: &mut BodyReader) -> Result<(), Failure> {
        // One that has begun to come needs no asking.
        if body.release() && self.reader.buffer().is_empty() {
            self.writer.ask_for_body().await.map_err(BodyError::Read)?;
        }
        Ok(())
    }

    /// Opens a tunnel and relays it; or passes on what was answered instead.
    async fn tunnel(
        &mut self,
        exchange: &Exchange<'_>,
        permit: &Permit,
        token: &str,
        upgrade: bool,
    ) -> Result<Passed, Failure> {
        let (upstream, limits) = (exchange.upstream, exchange.limits);
        let opened = tokio::select! {
            biased;
            opened = tunnel::open(upstream, permit, token, upgrade, limits.tunnel_time) => opened?,
            () = self.reader.watch() => return Ok(Passed::Forwarded(Forwarded::Abandoned)),
        };
        match opened {
            Opened::Tunnel(tunnel) => {
                exchange.entry.tunnelled(tunnel.status);
                let farewell = farewell(&mut self.stopping, limits.shutdown_grace);
                let end = tunnel
                    .relay(&mut self.reader, &mut self.writer, exchange.entry, farewell)
                    .await;
                Ok(Passed::Tunnelled(end))
            }
            Opened::Ordinary(answer) => {
                exchange.entry.answered(answer.head.status);
                let relayed = tokio::select! {
                    biased;
                    relayed = exchange.relay(&mut self.writer, answer) => relayed,
                    () = self.reader.watch() => return Ok(Passed::Forwarded(Forwarded::Abandoned)),
                };
                Ok(Passed::Forwarded(match relayed {
                    Ok(_) => Forwarded::Answered,
                    Err(_) => Forwarded::Abandoned,
                }))
            }
        }
    }

    /// Answers a request that stops here.
    async fn refuse(
        &mut self,
        failure: &Failure,
        body: &mut BodyReader,
        mut form: Form,
        mut entry: Entry,
    ) -> Next {
        if self.writer.has_started() {
            return Next::Close;
        }
        let lost = matches!(
            failure,
            Failure::Body(
                BodyError::Chunks(_)
                    | BodyError::Truncated
                    | BodyError::TooSlow
                    | BodyError::Read(_)
            )
        );
        // A client that was told to wait may or may not send its body now, and
        // one that sends more than is read would be cut off anyway.
        form.close |= lost || body.is_held_back() || body.exceeds(LINGER_BYTES);
        match self.answer(failure, form, &mut entry).await {
            Next::Request => {
                drop(entry);
                self.after(body, form).await
            }
            next => next,
        }
    }

    /// Writes opgate's own answer.
    async fn answer(&mut self, failure: &Failure, form: Form, entry: &mut Entry) -> Next {
        let (status, message) = (failure.status(), failure.message());
        entry.failed(failure.decision(), &message);
        if let Failure::Refused(refusal) = failure {
            entry.refused(refusal);
        }
        entry.answered(status);
        let retry_after = failure.retry_after();
        let answer = self.writer.refuse(form, status, &message, retry_after);
        match timeout(OWN_ANSWER_TIME, answer).await {
            Ok(Ok(())) => entry.completed(),
            Ok(Err(_)) | Err(_) => return Next::Close,
        }
        if form.close {
            Next::Linger
        } else {
            Next::Request
        }
    }

    /// After an answer: the next request, if it can be found.
    async fn after(&mut self, body: &mut BodyReader, form: Form) -> Next {
        let time = self.limits.linger_time;
        if !form.close && body.drain(&mut self.reader, time).await && !*self.stopping.borrow() {
            Next::Request
        } else {
            Next::Linger
        }
    }

    /// Ends a connection so that the client can still read what it was told: a
    /// socket that is closed over unread bytes may take the answer with it.
    async fn linger(mut self) {
        let time = self.limits.linger_time;
        let linger = async {
            if self.writer.shutdown().await.is_err() {
                return;
            }
            let mut left = LINGER_BYTES;
            loop {
                self.reader.buffer().clear();
                match self.reader.fill(BODY_READ).await {
                    Ok(read @ 1..) if read as u64 <= left => left -= read as u64,
                    _ => return,
                }
            }
        };
        // Out of time is out of bounds like any other.
        drop(timeout(time, linger).await);
    }
}
