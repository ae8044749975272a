// What every client of the address book does, with Connect, in Node or in a browser.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyUnpack, timestampDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Client as ServiceClient, type Interceptor, type Transport } from "@connectrpc/connect";

import { AccountService } from "../gen/es/addressbook/auth/v1/account_service_pb.js";
import { AuthService } from "../gen/es/addressbook/auth/v1/auth_service_pb.js";
import type { TokenPair } from "../gen/es/addressbook/auth/v1/resources_pb.js";
import {
  ContactsService,
  type CreateContactRequestSchema,
  type ImportContactsRequest,
  ImportContactsRequestSchema,
  type ImportContactsResponse,
  ImportFormat,
  type WatchContactsResponse,
} from "../gen/es/addressbook/contacts/v1/contacts_service_pb.js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/es/google/rpc/error_details_pb.js";
import type { Status } from "../gen/es/google/rpc/status_pb.js";

import { isBroken, reason, retrying } from "./policy.js";
import { AT_ONCE, CARDS, type Client, expect, failure, NAMES, PASSWORD, sleep } from "./scenarios.js";
import { Session, type Tokens } from "./session.js";

/** Of calls with one response. */
export const TIMEOUT_MS = 30_000;
/** Streams have no deadline. */
export const NO_TIMEOUT = { timeoutMs: 0 };

/** What differs between Node and a browser. */
export interface Platform {
  /** The way to a service, such as `127.0.0.1:50051`. */
  transport(address: string, interceptors: Interceptor[]): Transport;
  /** A call of ImportContacts. */
  importContacts(
    book: BookClient,
    requests: ImportContactsRequest[],
    token: string,
  ): AsyncIterable<ImportContactsResponse>;
}

export type BookClient = ServiceClient<typeof ContactsService>;

/** The reason of the status in a part of a response. */
function reasonOf(status: Status | undefined): string | undefined {
  const infos = status?.details.map((detail) => anyUnpack(detail, ErrorInfoSchema));
  return infos?.find((info) => info !== undefined)?.reason;
}

function newContact(givenName: string): MessageInitShape<typeof CreateContactRequestSchema> {
  // It can be retried, because it has a request id.
  return { contact: { givenName }, requestId: crypto.randomUUID() };
}

function tokensOf(pair: TokenPair | undefined): Tokens {
  if (!pair?.accessExpireTime) throw new Error("the response has no tokens");
  return { access: pair.accessToken, refresh: pair.refreshToken, expires: timestampDate(pair.accessExpireTime) };
}

export class ConnectClient implements Client {
  private readonly accounts;
  private readonly account;
  private readonly book;
  private readonly impatient;
  private session!: Session;

  constructor(
    private readonly platform: Platform,
    auth: string,
    contacts: string,
  ) {
    const transport = (address: string, ...interceptors: Interceptor[]) => platform.transport(address, interceptors);
    this.accounts = createClient(AuthService, transport(auth, retrying));
    this.account = createClient(AccountService, transport(auth, retrying, this.authorizing));
    this.book = createClient(ContactsService, transport(contacts, retrying, this.authorizing));
    this.impatient = createClient(ContactsService, transport(contacts, this.authorizing));
  }

  /** Calls with a token. A call that is refused as expired was not executed. */
  private readonly authorizing: Interceptor = (next) => async (request) => {
    if (request.header.has("authorization")) return next(request);
    const token = await this.session.token();
    request.header.set("authorization", `Bearer ${token}`);
    try {
      return await next(request);
    } catch (error) {
      if (request.stream || reason(error) !== "TOKEN_EXPIRED") throw error;
      request.header.set("authorization", `Bearer ${await this.session.token(token)}`);
      return await next(request);
    } finally {
      // `retrying` repeats the same request, which then gets a token that is still valid.
      request.header.delete("authorization");
    }
  };

  async signUp(): Promise<void> {
    const email = `${crypto.randomUUID()}@example.com`;
    await this.accounts.signUp({ email, password: PASSWORD, requestId: crypto.randomUUID() });
    const { result } = await this.accounts.logIn({ email, password: PASSWORD });
    if (result.case !== "tokens") throw new Error("a second factor is required");
    this.session = new Session(tokensOf(result.value), async (refreshToken, requestId) =>
      tokensOf((await this.accounts.refreshToken({ refreshToken, requestId })).tokens),
    );
    expect((await this.account.getMe({})).user?.email, email);
  }

  async refresh(): Promise<void> {
    const getAtOnce = () => Promise.all(Array.from({ length: AT_ONCE }, () => this.account.getMe({})));
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
    const headers = { authorization: `Bearer ${token}` };
    for (;;) {
      try {
        await this.account.getMe({}, { headers });
      } catch (error) {
        return expect(reason(error), "TOKEN_EXPIRED");
      }
      await sleep(100);
    }
  }

  async pages(): Promise<void> {
    for (const name of NAMES) await this.book.createContact(newContact(name));
    const pages: string[][] = [];
    let pageToken = "";
    do {
      const page = await this.book.listContacts({ pageSize: 2, orderBy: "given_name", pageToken });
      pages.push(page.contacts.map((contact) => contact.givenName));
      pageToken = page.nextPageToken;
    } while (pageToken);
    expect(pages, [NAMES.slice(0, 2), NAMES.slice(2, 4), NAMES.slice(4)]);
  }

  async errors(): Promise<void> {
    const contact = { givenName: "Eve", emails: [{ address: "nowhere" }] };
    const error = ConnectError.from(await failure(this.book.createContact({ contact })));
    expect(error.code, Code.InvalidArgument);
    expect(reason(error), "FIELD_INVALID");
    const violations = error.findDetails(BadRequestSchema).flatMap((bad) => bad.fieldViolations);
    expect(violations.map((violation) => violation.field), ["contact.emails[0].address"]);
  }

  async retry(): Promise<void> {
    const callOften = async () => {
      // More than the limit of a minute.
      for (let call = 0; call < 1000; call++) await this.impatient.findDuplicates({});
    };
    const error = ConnectError.from(await failure(callOften()));
    expect(reason(error), "RATE_LIMITED");
    expect(error.findDetails(RetryInfoSchema).length, 1);
    // The interceptor waits as long as the server asks it to.
    for (let call = 0; call < 2; call++) await this.book.findDuplicates({});
  }

  async deadline(): Promise<void> {
    const readAll = async () => {
      for await (const _ of this.book.watchContacts({}, { timeoutMs: 200 }));
    };
    expect(ConnectError.from(await failure(readAll())).code, Code.DeadlineExceeded);
  }

  async watch(): Promise<void> {
    const events = this.changes();
    await skipTo(events, "caughtUp");
    console.log("ready to be killed");
    await skipTo(events, undefined);
    const wanda = newContact("Wanda");
    await whenReachable(() => this.book.createContact(wanda));
    const changed = (await skipTo(events, "changed"))?.event;
    expect(changed?.case === "changed" && changed.value.givenName, "Wanda");
  }

  /** Every event of WatchContacts; undefined where the connection broke, and was resumed. */
  private async *changes(): Changes {
    let syncToken = "";
    for (;;) {
      const token = await this.session.token();
      const headers = { authorization: `Bearer ${token}` };
      try {
        for await (const event of this.book.watchContacts({ syncToken }, { headers, ...NO_TIMEOUT })) {
          syncToken = event.syncToken;
          yield event;
        }
      } catch (error) {
        if (reason(error) === "TOKEN_EXPIRED") {
          await this.session.token(token);
          continue;
        }
        if (!isBroken(error)) throw error;
      }
      yield undefined;
      await pause();
    }
  }

  async importFile(): Promise<void> {
    const header = { format: ImportFormat.VCARD, importId: crypto.randomUUID() };
    const requests = [
      create(ImportContactsRequestSchema, { part: { case: "header", value: header } }),
      ...CARDS.map((value) => create(ImportContactsRequestSchema, { part: { case: "chunk", value } })),
    ];
    const refused: unknown[] = [];
    let summary: unknown;
    const token = await this.session.token();
    for await (const { event } of this.platform.importContacts(this.book, requests, token)) {
      if (event.case === "row") refused.push([Number(event.value.index), reasonOf(event.value.status)]);
      if (event.case === "summary") summary = [Number(event.value.created), Number(event.value.failed)];
    }
    expect(refused, [[1, "CARD_EMPTY"]]);
    expect(summary, [2, 1]);
  }
}

type Changes = AsyncGenerator<WatchContactsResponse | undefined, never>;

/** The next event of a kind; undefined is an interruption. */
async function skipTo(events: Changes, kind: WatchContactsResponse["event"]["case"]) {
  for (;;) {
    const { value } = await events.next();
    if (value?.event.case === kind) return value;
  }
}

/** Repeats a call that has a request id until the server is back. */
async function whenReachable(call: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await call();
      return;
    } catch (error) {
      if (!isBroken(error)) throw error;
    }
    await pause();
  }
}

/** All clients of a server that was restarted do not come back at the same moment. */
async function pause(): Promise<void> {
  await sleep(100 + 400 * Math.random());
}
