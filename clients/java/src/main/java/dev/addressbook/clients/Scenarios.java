package dev.addressbook.clients;

import com.google.gson.Gson;
import com.google.protobuf.ByteString;
import dev.addressbook.auth.v1.AccountServiceGrpc;
import dev.addressbook.auth.v1.AuthServiceGrpc;
import dev.addressbook.auth.v1.GetMeRequest;
import dev.addressbook.auth.v1.LogInRequest;
import dev.addressbook.auth.v1.SignUpRequest;
import dev.addressbook.contacts.v1.Contact;
import dev.addressbook.contacts.v1.ContactsServiceGrpc;
import dev.addressbook.contacts.v1.CreateContactRequest;
import dev.addressbook.contacts.v1.CreateContactResponse;
import dev.addressbook.contacts.v1.Email;
import dev.addressbook.contacts.v1.FindDuplicatesRequest;
import dev.addressbook.contacts.v1.ImportContactsRequest;
import dev.addressbook.contacts.v1.ImportContactsResponse;
import dev.addressbook.contacts.v1.ImportFormat;
import dev.addressbook.contacts.v1.ImportHeader;
import dev.addressbook.contacts.v1.ImportSummary;
import dev.addressbook.contacts.v1.ListContactsRequest;
import dev.addressbook.contacts.v1.WatchContactsRequest;
import dev.addressbook.contacts.v1.WatchContactsResponse.EventCase;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** What every client of the address book does, with grpc-java. Arguments: AUTH CONTACTS. */
public final class Scenarios {
  private static final String PASSWORD = "the otter naps at noon";
  private static final List<String> NAMES = List.of("Ada", "Barbara", "Edsger", "Grace", "Tony");
  private static final int AT_ONCE = 8;
  /** The published retry policy, from this program's folder. */
  private static final Path POLICY = Path.of("../../proto/service-config.json");

  private final AuthServiceGrpc.AuthServiceBlockingStub accounts;
  private final AccountServiceGrpc.AccountServiceBlockingStub account;
  private final ContactsServiceGrpc.ContactsServiceBlockingStub book;
  private final ContactsServiceGrpc.ContactsServiceBlockingStub impatient;
  private final ContactsServiceGrpc.ContactsServiceStub asyncBook;
  private Session session;

  private Scenarios(String auth, String contacts) throws IOException {
    // The numbers of the map must be of the type Double, as Gson makes them.
    Map<String, ?> policy = new Gson().fromJson(Files.readString(POLICY), Map.class);
    ManagedChannel authChannel = channel(auth).defaultServiceConfig(policy).build();
    ManagedChannel contactsChannel = channel(contacts).defaultServiceConfig(policy).build();
    accounts = AuthServiceGrpc.newBlockingStub(authChannel);
    account = AccountServiceGrpc.newBlockingStub(authChannel);
    book = ContactsServiceGrpc.newBlockingStub(contactsChannel);
    asyncBook = ContactsServiceGrpc.newStub(contactsChannel);
    impatient = ContactsServiceGrpc.newBlockingStub(channel(contacts).disableRetry().build());
  }

  private static ManagedChannelBuilder<?> channel(String address) {
    // A stream whose server has disappeared ends after both times.
    return ManagedChannelBuilder.forTarget(address)
        .usePlaintext()
        .keepAliveTime(20, TimeUnit.SECONDS)
        .keepAliveTimeout(10, TimeUnit.SECONDS);
  }

  /** A scenario, which fails with an exception. */
  private interface Scenario {
    void run() throws Exception;
  }

  public static void main(String[] addresses) throws IOException {
    var client = new Scenarios(addresses[0], addresses[1]);
    boolean failed = run("sign_up", client::signUp)
        | run("refresh", client::refresh)
        | run("pages", client::pages)
        | run("errors", client::errors)
        | run("retry", client::retry)
        | run("deadline", client::deadline)
        | run("watch", client::watch)
        | run("import_file", client::importFile);
    System.exit(failed ? 1 : 0);
  }

  private static boolean run(String name, Scenario scenario) {
    try {
      scenario.run();
      System.out.println("ok " + name);
      return false;
    } catch (Exception error) {
      System.out.println("failed " + name + ": " + error);
      return true;
    }
  }

  private static void expect(Object actual, Object expected) {
    if (!actual.equals(expected)) {
      throw new IllegalStateException(actual + " is not " + expected);
    }
  }

  static <S extends AbstractStub<S>> S withToken(S stub, String token) {
    var headers = new Metadata();
    headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  /** Calls with a token. A call that is refused as expired was not executed. */
  private <S extends AbstractStub<S>, T> T call(S stub, Function<S, T> method) {
    String token = session.token();
    try {
      return method.apply(withToken(stub, token));
    } catch (StatusRuntimeException error) {
      if (!Errors.reason(error).equals("TOKEN_EXPIRED")) {
        throw error;
      }
      return method.apply(withToken(stub, session.token(token)));
    }
  }

  private void signUp() {
    String email = UUID.randomUUID() + "@example.com";
    accounts.signUp(SignUpRequest.newBuilder()
        .setEmail(email)
        .setPassword(PASSWORD)
        .setRequestId(UUID.randomUUID().toString())
        .build());
    var logIn = accounts.logIn(LogInRequest.newBuilder().setEmail(email).setPassword(PASSWORD).build());
    session = new Session(accounts, logIn.getTokens());
    expect(getMe(), email);
  }

  private String getMe() {
    return call(account, stub -> stub.getMe(GetMeRequest.getDefaultInstance())).getUser().getEmail();
  }

  private void refresh() throws Exception {
    // As if the token were near its end.
    session.setLeft(Duration.ZERO);
    getAtOnce();
    expect(session.refreshes(), 1);

    // As if this machine's clock were late: the server decides.
    waitUntilExpired(session.setLeft(Duration.ofHours(1)));
    getAtOnce();
    expect(session.refreshes(), 2);
  }

  private void getAtOnce() throws Exception {
    var together = new CyclicBarrier(AT_ONCE);
    Callable<String> getMe = () -> {
      together.await();
      return getMe();
    };
    var threads = Executors.newFixedThreadPool(AT_ONCE);
    try {
      for (var response : threads.invokeAll(Collections.nCopies(AT_ONCE, getMe))) {
        response.get();
      }
    } finally {
      threads.shutdown();
    }
  }

  private void waitUntilExpired(String token) throws InterruptedException {
    while (true) {
      try {
        withToken(account, token).getMe(GetMeRequest.getDefaultInstance());
      } catch (StatusRuntimeException error) {
        expect(Errors.reason(error), "TOKEN_EXPIRED");
        return;
      }
      Thread.sleep(100);
    }
  }

  /** A creation that can be retried, because it has a request id. */
  private static CreateContactRequest newContact(Contact.Builder contact) {
    return CreateContactRequest.newBuilder()
        .setContact(contact)
        .setRequestId(UUID.randomUUID().toString())
        .build();
  }

  private CreateContactResponse create(Contact.Builder contact) {
    var request = newContact(contact);
    // Calls wait for a connection instead of failing while there is none.
    return call(book.withWaitForReady(), stub -> stub.createContact(request));
  }

  private void pages() {
    for (String name : NAMES) {
      create(Contact.newBuilder().setGivenName(name));
    }
    var pages = new ArrayList<List<String>>();
    var request = ListContactsRequest.newBuilder().setPageSize(2).setOrderBy("given_name");
    do {
      var page = call(book, stub -> stub.listContacts(request.build()));
      pages.add(page.getContactsList().stream().map(Contact::getGivenName).toList());
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    expect(pages, List.of(NAMES.subList(0, 2), NAMES.subList(2, 4), NAMES.subList(4, 5)));
  }

  private void errors() {
    try {
      create(Contact.newBuilder().setGivenName("Eve").addEmails(Email.newBuilder().setAddress("nowhere")));
      throw new IllegalStateException("an invalid address was accepted");
    } catch (StatusRuntimeException error) {
      expect(error.getStatus().getCode(), Status.Code.INVALID_ARGUMENT);
      expect(Errors.reason(error), "FIELD_INVALID");
      expect(Errors.fields(error), List.of("contact.emails[0].address"));
    }
  }

  private void retry() {
    var request = FindDuplicatesRequest.getDefaultInstance();
    try {
      // More than the limit of a minute.
      for (int times = 0; times < 1000; times++) {
        call(impatient, stub -> stub.findDuplicates(request));
      }
      throw new IllegalStateException("there is no limit");
    } catch (StatusRuntimeException error) {
      expect(Errors.reason(error), "RATE_LIMITED");
      expect(Errors.hasRetryDelay(error), true);
    }
    // The library waits as long as the server asks it to.
    for (int times = 0; times < 2; times++) {
      call(book, stub -> stub.findDuplicates(request));
    }
  }

  private void deadline() {
    var patient = withToken(book, session.token()).withDeadlineAfter(200, TimeUnit.MILLISECONDS);
    try {
      patient.watchContacts(WatchContactsRequest.getDefaultInstance()).forEachRemaining(event -> {});
      throw new IllegalStateException("the stream ended by itself");
    } catch (StatusRuntimeException error) {
      expect(error.getStatus().getCode(), Status.Code.DEADLINE_EXCEEDED);
    }
  }

  private void watch() throws InterruptedException {
    var watch = new Watch(book, session);
    while (watch.next().orElseThrow().getEventCase() != EventCase.CAUGHT_UP) {}
    System.out.println("ready to be killed");
    while (watch.next().isPresent()) {}
    create(Contact.newBuilder().setGivenName("Wanda"));
    Optional<Contact> changed;
    do {
      changed = watch.next().filter(event -> event.hasChanged()).map(event -> event.getChanged());
    } while (changed.isEmpty());
    expect(changed.get().getGivenName(), "Wanda");
  }

  private void importFile() throws Exception {
    var responses = new Imported();
    var requests = withToken(asyncBook, session.token()).importContacts(responses);
    var header = ImportHeader.newBuilder()
        .setFormat(ImportFormat.IMPORT_FORMAT_VCARD)
        .setImportId(UUID.randomUUID().toString());
    requests.onNext(ImportContactsRequest.newBuilder().setHeader(header).build());
    // The second card says nothing.
    for (String name : List.of("FN:Alan\r\n", "", "FN:Kurt\r\n")) {
      String card = "BEGIN:VCARD\r\nVERSION:4.0\r\n" + name + "END:VCARD\r\n";
      requests.onNext(ImportContactsRequest.newBuilder().setChunk(ByteString.copyFromUtf8(card)).build());
    }
    requests.onCompleted();
    var summary = responses.summary.get(30, TimeUnit.SECONDS);
    expect(responses.refused, List.of("1 CARD_EMPTY"));
    expect(List.of(summary.getCreated(), summary.getFailed()), List.of(2L, 1L));
  }

  /** The responses to an import. */
  private static final class Imported implements StreamObserver<ImportContactsResponse> {
    final List<String> refused = new ArrayList<>();
    final CompletableFuture<ImportSummary> summary = new CompletableFuture<>();

    @Override
    public void onNext(ImportContactsResponse response) {
      switch (response.getEventCase()) {
        case ROW -> refused.add(response.getRow().getIndex() + " " + Errors.reason(response.getRow().getStatus()));
        case SUMMARY -> summary.complete(response.getSummary());
        default -> {}
      }
    }

    @Override
    public void onError(Throwable error) {
      summary.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      summary.completeExceptionally(new IllegalStateException("there is no summary"));
    }
  }
}
