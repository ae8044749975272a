//! A response until its client has read it. Until then its call counts as open, and its
//! bytes as unread.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Response;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use wires::{Ending, Unread};

use crate::serve::budget::{Account, Held, SMALL};
use crate::serve::clients::OpenCall;
use crate::serve::cross_origin;
use crate::serve::unread::{NoRoom, WaitsFor};
use crate::status::Refusal;

/// The size of an HTTP/2 frame, in which a response is handed to the transport.
const PIECE: usize = 16 * 1024;

/// The body of a response. Its end is the end of its call.
pub(crate) struct ResponseBody {
    body: Body,
    _call: Option<OpenCall>,
    account: Option<Account>,
    /// The part of the current message that the transport has not asked for yet.
    rest: Bytes,
    held: Option<Held>,
    /// The number of messages so far.
    messages: u64,
    /// How many bytes of the current one the transport has asked for.
    read: u64,
    is_refused: bool,
    /// How a response ends that is not one of gRPC.
    ending: Option<Ending>,
}

impl ResponseBody {
    /// Keeps a message until it is read; `None` if the limit leaves no room for it.
    fn hold(&mut self, data: Bytes) -> Option<()> {
        if let Some(account) = &self.account
            && data.len() > SMALL
        {
            self.held = Some(account.hold(data.len() as u64)?);
        }
        self.messages += 1;
        self.read = 0;
        self.rest = data;
        Some(())
    }

    /// The same for a response that consists of one message.
    fn hold_whole(&mut self, cx: &mut Context<'_>) -> Option<()> {
        match http_body::Body::poll_frame(Pin::new(&mut self.body), cx) {
            Poll::Ready(Some(Ok(frame))) => self.hold(frame.into_data().unwrap_or_default()),
            _ => Some(()),
        }
    }

    /// The next piece for the transport. The transport asks for a piece as soon as the
    /// client's window lets it send one byte, and then owns the whole piece. So the last
    /// piece of a counted message is one byte: when the transport asks for it, the client
    /// has accepted everything before it.
    fn piece(&mut self) -> Bytes {
        let length = match self.rest.len() {
            length if length > PIECE => PIECE,
            length if length > 1 && self.held.is_some() => length - 1,
            length => length,
        };
        // The transport asks for a piece when it has sent the one before.
        let (message, read) = (self.messages, self.read);
        WaitsFor::Client { message, read }.record();
        self.read += length as u64;
        self.rest.split_to(length)
    }

    /// Ends the response with an error instead of its remaining part.
    fn refuse(&mut self) -> Frame<Bytes> {
        self.is_refused = true;
        self.body = Body::empty();
        let trailers = Refusal::from(NoRoom).into_trailers();
        match &self.ending {
            Some(Ending::Stream(reply)) => Frame::data(reply.last(&trailers)),
            _ => Frame::trailers(trailers),
        }
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            this.held = None;
            WaitsFor::Server.record();
            let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
            let data = match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                None => return Poll::Ready(None),
            };
            if this.hold(data).is_none() {
                return Poll::Ready(Some(Ok(this.refuse())));
            }
        }
        Poll::Ready(Some(Ok(Frame::data(this.piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && (self.is_refused || self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        // hyper asks before the first frame.
        match self.rest.len() {
            0 => self.body.size_hint(),
            length => SizeHint::with_exact(length as u64),
        }
    }
}

/// The future response to a call.
pub(crate) struct ResponseFuture<F> {
    future: F,
    /// `None` for a refused call, and after the response.
    call: Option<OpenCall>,
    account: Option<Account>,
    unread: Option<Unread>,
    /// Passes over the rest of the request.
    passing: Option<BoxFuture<'static, Response<ResponseBody>>>,
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(future: F, call: Option<OpenCall>, account: Account, unread: Unread) -> Self {
        Self {
            future,
            call,
            account: Some(account),
            unread: Some(unread),
            passing: None,
        }
    }
}

impl<F> ResponseFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<Response<ResponseBody>> {
        let Ok(mut answer) = ready!(Pin::new(&mut self.future).poll(cx));
        let (call, account) = (self.call.take(), self.account.take());
        let ending = answer.extensions_mut().remove::<Ending>();
        let whole = match &ending {
            Some(Ending::Whole(reply)) => Some(reply.clone()),
            _ => None,
        };
        let mut answer = answer.map(|body| ResponseBody {
            body,
            _call: call,
            account,
            rest: Bytes::new(),
            held: None,
            messages: 0,
            read: 0,
            is_refused: false,
            ending,
        });
        if let Some(reply) = whole
            && answer.body_mut().hold_whole(cx).is_none()
        {
            // It has one message, whose error can only be in the head.
            let (mut head, body) = reply.refuse(Refusal::from(NoRoom).into()).into_parts();
            cross_origin::permit_as(answer.headers(), &mut head.headers);
            let refused = ResponseBody {
                body,
                account: None,
                ..answer.into_body()
            };
            return Poll::Ready(Response::from_parts(head, refused));
        }
        Poll::Ready(answer)
    }
}

impl<F> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(passing) = &mut self.passing {
            return passing.poll_unpin(cx).map(Ok);
        }
        let mut response = ready!(self.poll_response(cx));
        let Some(rest) = self.unread.take().and_then(Unread::rest) else {
            return Poll::Ready(Ok(response));
        };
        let passing = async move {
            rest.pass_over(&mut response).await;
            response
        };
        self.passing
            .insert(Box::pin(passing))
            .poll_unpin(cx)
            .map(Ok)
    }
}
