//! The responses of a stream, which always end with a well-formed status.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::serve::connection::Cut;
use crate::status::{Refusal, explain};

/// The body of a stream.
pub(crate) struct StreamBody {
    body: Body,
    /// Completes when the stream is cut off; `None` afterwards.
    cut_off: Option<BoxFuture<'static, Cut>>,
}

impl StreamBody {
    /// Ends with UNAVAILABLE when `cut_off` completes.
    pub(crate) fn new(body: Body, cut_off: BoxFuture<'static, Cut>) -> Self {
        Self {
            body,
            cut_off: Some(cut_off),
        }
    }
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if let Some(cut_off) = &mut this.cut_off
            && let Poll::Ready(why) = cut_off.as_mut().poll(cx)
        {
            (this.body, this.cut_off) = (Body::empty(), None);
            let trailers = Refusal::from(why).into_trailers();
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        let mut frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(Ok(frame)) = &mut frame
            && let Some(trailers) = frame.trailers_mut()
        {
            explain(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
