// The services, as this session calls them.
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";

import { AccountService } from "../gen/addressbook/auth/v1/account_service_pb.js";
import { AuthService } from "../gen/addressbook/auth/v1/auth_service_pb.js";
import type { TokenPair, User } from "../gen/addressbook/auth/v1/resources_pb.js";
import { ContactsService } from "../gen/addressbook/contacts/v1/contacts_service_pb.js";
import { LabelsService } from "../gen/addressbook/contacts/v1/labels_service_pb.js";
import { SharesService } from "../gen/addressbook/contacts/v1/shares_service_pb.js";
import { Cell } from "./cell.js";
import { endsSession, reason } from "./errors.js";
import { Session, type Tokens } from "./session.js";
import { tracing } from "./trace.js";

/** Of calls with one response. */
const TIMEOUT_MS = 30_000;

/** Streams have no deadline. */
export const ENDLESS = { timeoutMs: 0 };

/** The origins of both services. */
export const servers = { auth: location.origin, contacts: "" };

/** The user who is logged in. */
export const user = new Cell<User | undefined>(undefined);

/** Why the session has ended; empty if the user ended it. */
export const farewell = new Cell("");

let session: Session | undefined;

/** Asks to log in again if an error says that the session has ended. */
export function noticeEnd(error: unknown): void {
  if (endsSession(error)) forget("Your session has ended. Log in again.");
}

/** Calls with a token. A call that is refused as expired was not executed. */
const authorizing: Interceptor = (next) => async (request) => {
  if (!session) return next(request);
  try {
    const token = await session.token();
    request.header.set("authorization", `Bearer ${token}`);
    try {
      return await next(request);
    } catch (error) {
      if (request.stream || reason(error) !== "TOKEN_EXPIRED") throw error;
      request.header.set("authorization", `Bearer ${await session.token(token)}`);
      return await next(request);
    }
  } catch (error) {
    noticeEnd(error);
    throw error;
  }
};

export let auth: Client<typeof AuthService>;
/** The same with a token, for those calls that can have one. */
export let ownAuth: Client<typeof AuthService>;
export let account: Client<typeof AccountService>;
export let contacts: Client<typeof ContactsService>;
export let labels: Client<typeof LabelsService>;
export let shares: Client<typeof SharesService>;

/** Learns where the services are. */
export async function connect(): Promise<void> {
  const response = await fetch("config.json");
  servers.contacts = ((await response.json()) as { contactsUrl: string }).contactsUrl;
  const transport = (baseUrl: string, ...interceptors: Interceptor[]) =>
    createConnectTransport({ baseUrl, interceptors: [tracing, ...interceptors], defaultTimeoutMs: TIMEOUT_MS });
  auth = createClient(AuthService, transport(servers.auth));
  ownAuth = createClient(AuthService, transport(servers.auth, authorizing));
  account = createClient(AccountService, transport(servers.auth, authorizing));
  contacts = createClient(ContactsService, transport(servers.contacts, authorizing));
  labels = createClient(LabelsService, transport(servers.contacts, authorizing));
  shares = createClient(SharesService, transport(servers.contacts, authorizing));
}

function tokensOf(pair: TokenPair | undefined): Tokens {
  if (!pair?.accessExpireTime) throw new Error("the response has no tokens");
  return { access: pair.accessToken, refresh: pair.refreshToken, expires: timestampDate(pair.accessExpireTime) };
}

/** Begins a session. */
export function begin(pair: TokenPair | undefined, who: User | undefined): void {
  session = new Session(tokensOf(pair), async (refreshToken, requestId) =>
    tokensOf((await auth.refreshToken({ refreshToken, requestId })).tokens),
  );
  farewell.value = "";
  user.value = who;
}

/** Goes on with other tokens of the session. */
export function replaceTokens(pair: TokenPair | undefined): void {
  session?.keep(tokensOf(pair));
}

/** The access token; undefined if nobody is logged in. */
export async function token(refused?: string): Promise<string | undefined> {
  return session?.token(refused);
}

/** A token for AdminService. The session goes on with it: its refresh token is a new one. */
export async function adminToken(): Promise<string | undefined> {
  const refreshToken = session?.tokens.refresh;
  if (refreshToken === undefined) return undefined;
  const answer = await auth.refreshToken({ refreshToken, requestId: crypto.randomUUID(), scopes: ["auth.admin"] });
  const access = answer.tokens?.accessToken;
  // The contacts service refuses this access token, so it is replaced at the next call.
  replaceTokens(answer.tokens);
  session?.expire();
  return access;
}

/** The session is over; says why. */
export function forget(why: string): void {
  session = undefined;
  farewell.value = why;
  user.value = undefined;
}

/** Ends the session. */
export async function logOut(): Promise<void> {
  const refreshToken = session?.tokens.refresh;
  forget("");
  if (refreshToken !== undefined) await auth.logOut({ refreshToken });
}

// A page that was closed has lost its tokens, so nobody needs its session.
addEventListener("pagehide", ({ persisted }) => {
  const refreshToken = session?.tokens.refresh;
  if (persisted || refreshToken === undefined) return;
  void fetch(`${servers.auth}/${AuthService.typeName}/LogOut`, {
    method: "POST",
    keepalive: true,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ refreshToken }),
  });
});
