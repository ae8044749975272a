//! An answer until it was taken: its call counts as open until then.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::clients::OpenCall;

/// The body of an answer, whose end is the end of its call.
pub(crate) struct Taken {
    body: Body,
    _call: Option<OpenCall>,
}

impl http_body::Body for Taken {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The answer to a call, to come.
pub(crate) struct Answering<F> {
    future: F,
    /// None of a call that is refused, and once it is answered.
    call: Option<OpenCall>,
}

impl<F> Answering<F> {
    pub(crate) fn new(future: F, call: Option<OpenCall>) -> Self {
        Self { future, call }
    }
}

impl<F> Future for Answering<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = Result<Response<Taken>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(answer) = ready!(Pin::new(&mut self.future).poll(cx));
        let call = self.call.take();
        Poll::Ready(Ok(answer.map(|body| Taken { body, _call: call })))
    }
}
