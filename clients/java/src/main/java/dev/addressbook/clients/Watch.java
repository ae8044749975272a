package dev.addressbook.clients;

import dev.addressbook.contacts.v1.ContactsServiceGrpc.ContactsServiceBlockingStub;
import dev.addressbook.contacts.v1.WatchContactsRequest;
import dev.addressbook.contacts.v1.WatchContactsResponse;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/** Changes of contacts. It resumes after the last event when its connection has broken. */
final class Watch {
  private final ContactsServiceBlockingStub book;
  private final Session session;
  private String syncToken = "";
  private String token;
  private Iterator<WatchContactsResponse> events;

  Watch(ContactsServiceBlockingStub book, Session session) {
    // Calls wait for the next connection instead of failing while there is none.
    this.book = book.withWaitForReady();
    this.session = session;
  }

  /** The next event; empty where the connection broke. The call after it resumes. */
  Optional<WatchContactsResponse> next() throws InterruptedException {
    while (true) {
      try {
        if (events == null) {
          token = session.token();
          var request = WatchContactsRequest.newBuilder().setSyncToken(syncToken).build();
          events = Scenarios.withToken(book, token).watchContacts(request);
        }
        if (events.hasNext()) {
          var event = events.next();
          syncToken = event.getSyncToken();
          return Optional.of(event);
        }
      } catch (StatusRuntimeException error) {
        if (Errors.reason(error).equals("TOKEN_EXPIRED")) {
          events = null;
          session.token(token);
          continue;
        }
        if (!Errors.isBroken(error)) {
          throw error;
        }
      }
      events = null;
      // All clients of a server that was restarted do not come back at the same moment.
      Thread.sleep(ThreadLocalRandom.current().nextLong(100, 500));
      return Optional.empty();
    }
  }
}
