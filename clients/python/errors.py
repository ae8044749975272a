"""What an error says."""
import grpc
from google.rpc import error_details_pb2
from google.rpc import status_pb2
from grpc_status import rpc_status


def detail(error, kind):
    """The first detail of this type; an empty one if there is none. `error` is what a call
    raised (in asyncio, too), or the `google.rpc.Status` of a part of a response."""
    # `from_call` returns None if no service has answered, such as for a lost connection.
    status = error if isinstance(error, status_pb2.Status) else rpc_status.from_call(error)
    for packed in status.details if status else ():
        found = kind()
        if packed.Unpack(found):
            return found
    return kind()


def reason(error):
    """Such as `CONTACT_NOT_FOUND`; empty if no service has answered."""
    return detail(error, error_details_pb2.ErrorInfo).reason


# What grpcio makes of a connection that broke or a stream that was reset, beside UNAVAILABLE.
BROKEN = (grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)


def is_broken(error):
    """Whether the server cannot be reached, or asks to be called later. The caller must not have
    cancelled the call."""
    return error.code() == grpc.StatusCode.UNAVAILABLE or error.code() in BROKEN and not reason(error)


def retry_delay(error):
    """The delay that the server asks for, in seconds; 0 if a retry is useless."""
    return detail(error, error_details_pb2.RetryInfo).retry_delay.ToTimedelta().total_seconds()


def fields(error):
    """The paths of the invalid fields."""
    return [violation.field for violation in detail(error, error_details_pb2.BadRequest).field_violations]
