package dev.addressbook.clients;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;

/** What the details of an error say. */
final class Errors {
  private Errors() {}

  /** Such as {@code CONTACT_NOT_FOUND}; empty if no service has answered. */
  static String reason(Throwable error) {
    return reason(StatusProto.fromThrowable(error));
  }

  /** The same, of the status in a part of a response. */
  static String reason(Status status) {
    return detail(status, ErrorInfo.getDefaultInstance()).getReason();
  }

  static boolean hasRetryDelay(Throwable error) {
    return detail(StatusProto.fromThrowable(error), RetryInfo.getDefaultInstance()).hasRetryDelay();
  }

  /**
   * Whether the server cannot be reached, or asks to be called later. Of a stream that was reset,
   * for example by a proxy that has lost the server, grpc-java makes CANCELLED, as of a context that
   * the caller cancelled, INTERNAL or UNKNOWN.
   */
  static boolean isBroken(StatusRuntimeException error) {
    return switch (error.getStatus().getCode()) {
      case UNAVAILABLE -> true;
      case CANCELLED, INTERNAL, UNKNOWN -> !Context.current().isCancelled() && reason(error).isEmpty();
      default -> false;
    };
  }

  /** The paths of the invalid fields. */
  static List<String> fields(Throwable error) {
    var bad = detail(StatusProto.fromThrowable(error), BadRequest.getDefaultInstance());
    return bad.getFieldViolationsList().stream().map(BadRequest.FieldViolation::getField).toList();
  }

  /** The first detail of this type; an empty one if there is none. */
  @SuppressWarnings("unchecked")
  private static <T extends Message> T detail(Status status, T empty) {
    for (Any packed : status == null ? List.<Any>of() : status.getDetailsList()) {
      if (packed.is(empty.getClass())) {
        try {
          return (T) packed.unpack(empty.getClass());
        } catch (InvalidProtocolBufferException unreadable) {
          return empty;
        }
      }
    }
    return empty;
  }
}
