//! The codec of the servers.

use std::collections::HashMap;
use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic::{Code, Status};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};
use tonic_types::{ErrorDetails, StatusExt};

use crate::elements;

/// Reads and writes protobuf like tonic's own codec, but returns `INVALID_ARGUMENT` for a
/// malformed request: tonic returns `INTERNAL`, which clients retry and which alarms
/// operators.
#[derive(Debug)]
pub struct ServerCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for ServerCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for ServerCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = RequestDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        RequestDecoder(ProstDecoder::default())
    }
}

/// Decodes requests.
#[derive(Debug)]
pub struct RequestDecoder<U>(ProstDecoder<U>);

impl<U: Message + Default> Decoder for RequestDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // The message is complete, and in one piece.
        if elements::are_too_many(buf.chunk()) {
            return Err(malformed(
                "the request has more elements than any call accepts",
            ));
        }
        self.0
            .decode(buf)
            .map_err(|error| malformed(error.message()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}

fn malformed(problem: &str) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info("REQUEST_MALFORMED", "addressbook", HashMap::new());
    Status::with_error_details(Code::InvalidArgument, problem, details)
}
