// What every client of the address book does, with grpc-js. Usage: grpc.js AUTH CONTACTS

import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";

import { AccountServiceClient, type GetMeResponse } from "../gen/ts-proto/addressbook/auth/v1/account_service.js";
import {
  AuthServiceClient,
  LogInRequest,
  type LogInResponse,
  RefreshTokenRequest,
  type RefreshTokenResponse,
  SignUpRequest,
} from "../gen/ts-proto/addressbook/auth/v1/auth_service.js";
import type { TokenPair } from "../gen/ts-proto/addressbook/auth/v1/resources.js";
import {
  ContactsServiceClient,
  CreateContactRequest,
  FindDuplicatesRequest,
  ImportContactsRequest,
  ImportFormat,
  ListContactsRequest,
  type ListContactsResponse,
  WatchContactsRequest,
  type WatchContactsResponse,
} from "../gen/ts-proto/addressbook/contacts/v1/contacts_service.js";
import { BadRequest, ErrorInfo, RetryInfo } from "../gen/ts-proto/google/rpc/error_details.js";
import { Status } from "../gen/ts-proto/google/rpc/status.js";

import SERVICE_CONFIG from "../gen/service-config.js";
import { AT_ONCE, CARDS, type Client, expect, failure, NAMES, PASSWORD, run, sleep } from "./scenarios.js";
import { Session, type Tokens } from "./session.js";

// A stream whose server has disappeared ends after both.
const KEEPALIVE = { "grpc.keepalive_time_ms": 20_000, "grpc.keepalive_timeout_ms": 10_000 };
const RETRYING = { "grpc.service_config": JSON.stringify(SERVICE_CONFIG), ...KEEPALIVE };
const PLAIN = { "grpc.enable_retries": 0, ...KEEPALIVE };

/** The details of an error. The library leaves them encoded in the trailers. */
function statusOf(error: unknown): Status {
  const [bytes] = (error as ServiceError).metadata?.get("grpc-status-details-bin") ?? [];
  return Status.decode(bytes instanceof Uint8Array ? bytes : new Uint8Array());
}

/** The first detail of a type; an empty one if there is none. */
function detail<T>(status: Status, name: string, type: { decode(bytes: Uint8Array): T }): T {
  const packed = status.details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${name}`);
  return type.decode(packed?.value ?? new Uint8Array());
}

/** Such as `CONTACT_NOT_FOUND`; empty if no service has answered. */
function reason(status: Status): string {
  return detail(status, "ErrorInfo", ErrorInfo).reason;
}

/** What grpc-js makes of a connection that broke or a stream that was reset, beside UNAVAILABLE. */
const BROKEN = [status.CANCELLED, status.INTERNAL, status.UNKNOWN];

/** Whether the server cannot be reached, or asks to be called later. */
function isBroken(error: unknown): boolean {
  const { code } = error as ServiceError;
  return code === status.UNAVAILABLE || (BROKEN.includes(code) && reason(statusOf(error)) === "");
}

function newContact(givenName: string): CreateContactRequest {
  // It can be retried, because it has a request id.
  return CreateContactRequest.fromPartial({ contact: { givenName }, requestId: crypto.randomUUID() });
}

function tokensOf(pair: TokenPair | undefined): Tokens {
  if (!pair?.accessExpireTime) throw new Error("the response has no tokens");
  return { access: pair.accessToken, refresh: pair.refreshToken, expires: pair.accessExpireTime };
}

function bearer(token: string): Metadata {
  // Calls wait for the next connection instead of failing while there is none.
  const metadata = new Metadata({ waitForReady: true });
  metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

type Done<T> = (error: ServiceError | null, response: T) => void;

/** The response of a call that is started with this callback. */
function response<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => start((error, response) => (error ? reject(error) : resolve(response))));
}

class GrpcClient implements Client {
  private readonly accounts;
  private readonly account;
  private readonly book;
  private readonly impatient;
  private session!: Session;

  constructor(auth: string, contacts: string) {
    const insecure = credentials.createInsecure();
    this.accounts = new AuthServiceClient(auth, insecure, RETRYING);
    this.account = new AccountServiceClient(auth, insecure, RETRYING);
    this.book = new ContactsServiceClient(contacts, insecure, RETRYING);
    this.impatient = new ContactsServiceClient(contacts, insecure, PLAIN);
  }

  /** Calls with a token. A call that is refused as expired was not executed. */
  private async call<T>(start: (metadata: Metadata, done: Done<T>) => void): Promise<T> {
    const token = await this.session.token();
    try {
      return await response<T>((done) => start(bearer(token), done));
    } catch (error) {
      if (reason(statusOf(error)) !== "TOKEN_EXPIRED") throw error;
      const next = bearer(await this.session.token(token));
      return await response<T>((done) => start(next, done));
    }
  }

  async signUp(): Promise<void> {
    const email = `${crypto.randomUUID()}@example.com`;
    const user = { email, password: PASSWORD };
    const signUp = SignUpRequest.fromPartial({ ...user, requestId: crypto.randomUUID() });
    await response((done) => this.accounts.signUp(signUp, done));
    const logIn = LogInRequest.fromPartial(user);
    const { result } = await response<LogInResponse>((done) => this.accounts.logIn(logIn, done));
    if (result?.$case !== "tokens") throw new Error("a second factor is required");
    this.session = new Session(tokensOf(result.value), async (refreshToken, requestId) => {
      const request = RefreshTokenRequest.fromPartial({ refreshToken, requestId });
      const pair = await response<RefreshTokenResponse>((done) => this.accounts.refreshToken(request, done));
      return tokensOf(pair.tokens);
    });
    expect((await this.getMe()).user?.email, email);
  }

  private getMe() {
    return this.call<GetMeResponse>((metadata, done) => this.account.getMe({}, metadata, done));
  }

  async refresh(): Promise<void> {
    const getAtOnce = () => Promise.all(Array.from({ length: AT_ONCE }, () => this.getMe()));
    // As if the token were near its end.
    this.session.freshUntil = 0;
    await getAtOnce();
    expect(this.session.refreshes, 1);

    // As if this machine's clock were late: the server decides.
    this.session.freshUntil = Infinity;
    await this.waitUntilExpired(this.session.tokens.access);
    await getAtOnce();
    expect(this.session.refreshes, 2);
  }

  private async waitUntilExpired(token: string): Promise<void> {
    for (;;) {
      try {
        await response((done) => this.account.getMe({}, bearer(token), done));
      } catch (error) {
        return expect(reason(statusOf(error)), "TOKEN_EXPIRED");
      }
      await sleep(100);
    }
  }

  async pages(): Promise<void> {
    for (const name of NAMES) await this.create(newContact(name));
    const pages: string[][] = [];
    const request = ListContactsRequest.fromPartial({ pageSize: 2, orderBy: "given_name" });
    do {
      const page = await this.call<ListContactsResponse>((metadata, done) =>
        this.book.listContacts(request, metadata, done),
      );
      pages.push(page.contacts.map((contact) => contact.givenName));
      request.pageToken = page.nextPageToken;
    } while (request.pageToken);
    expect(pages, [NAMES.slice(0, 2), NAMES.slice(2, 4), NAMES.slice(4)]);
  }

  private create(request: CreateContactRequest) {
    return this.call((metadata, done) => this.book.createContact(request, metadata, done));
  }

  async errors(): Promise<void> {
    const contact = { givenName: "Eve", emails: [{ address: "nowhere" }] };
    const error = await failure(this.create(CreateContactRequest.fromPartial({ contact })));
    const details = statusOf(error);
    expect((error as ServiceError).code, status.INVALID_ARGUMENT);
    expect(reason(details), "FIELD_INVALID");
    const violations = detail(details, "BadRequest", BadRequest).fieldViolations;
    expect(violations.map((violation) => violation.field), ["contact.emails[0].address"]);
  }

  async retry(): Promise<void> {
    const request = FindDuplicatesRequest.fromPartial({});
    const findOften = async (book: ContactsServiceClient, times: number) => {
      for (let call = 0; call < times; call++) {
        await this.call((metadata, done) => book.findDuplicates(request, metadata, done));
      }
    };
    // More than the limit of a minute.
    const details = statusOf(await failure(findOften(this.impatient, 1000)));
    expect(reason(details), "RATE_LIMITED");
    expect(detail(details, "RetryInfo", RetryInfo).retryDelay !== undefined, true);
    // The library waits as long as the server asks it to.
    await findOften(this.book, 2);
  }

  async deadline(): Promise<void> {
    const metadata = bearer(await this.session.token());
    const stream = this.book.watchContacts(WatchContactsRequest.fromPartial({}), metadata, { deadline: Date.now() + 200 });
    const readAll = async () => {
      for await (const _ of stream);
    };
    expect(((await failure(readAll())) as ServiceError).code, status.DEADLINE_EXCEEDED);
  }

  async watch(): Promise<void> {
    const events = this.changes();
    await skipTo(events, "caughtUp");
    console.log("ready to be killed");
    await skipTo(events, undefined);
    await this.create(newContact("Wanda"));
    const changed = (await skipTo(events, "changed"))?.event;
    expect(changed?.$case === "changed" && changed.value.givenName, "Wanda");
  }

  /** Every event of WatchContacts; undefined where the connection broke, and was resumed. */
  private async *changes(): Changes {
    const request = WatchContactsRequest.fromPartial({});
    for (;;) {
      const token = await this.session.token();
      try {
        for await (const event of this.book.watchContacts(request, bearer(token))) {
          request.syncToken = (event as WatchContactsResponse).syncToken;
          yield event as WatchContactsResponse;
        }
      } catch (error) {
        if (reason(statusOf(error)) === "TOKEN_EXPIRED") {
          await this.session.token(token);
          continue;
        }
        if (!isBroken(error)) throw error;
      }
      yield undefined;
      // All clients of a server that was restarted do not come back at the same moment.
      await sleep(100 + 400 * Math.random());
    }
  }

  async importFile(): Promise<void> {
    const call = this.book.importContacts(bearer(await this.session.token()));
    const header = { format: ImportFormat.IMPORT_FORMAT_VCARD, importId: crypto.randomUUID() };
    call.write(ImportContactsRequest.fromPartial({ part: { $case: "header", value: header } }));
    for (const value of CARDS) call.write(ImportContactsRequest.fromPartial({ part: { $case: "chunk", value: Buffer.from(value) } }));
    call.end();
    const refused: unknown[] = [];
    let summary: unknown;
    for await (const { event } of call) {
      if (event.$case === "row") refused.push([event.value.index, reason(event.value.status)]);
      if (event.$case === "summary") summary = [event.value.created, event.value.failed];
    }
    expect(refused, [[1, "CARD_EMPTY"]]);
    expect(summary, [2, 1]);
  }
}

type Changes = AsyncGenerator<WatchContactsResponse | undefined, never>;

/** The next event of a kind; undefined is an interruption. */
async function skipTo(events: Changes, kind: string | undefined): Promise<WatchContactsResponse | undefined> {
  for (;;) {
    const { value } = await events.next();
    if (value?.event?.$case === kind) return value;
  }
}

const [auth = "127.0.0.1:50051", contacts = "127.0.0.1:50052"] = process.argv.slice(2);
process.exit((await run(new GrpcClient(auth, contacts))) ? 0 : 1);
