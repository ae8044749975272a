// Errors of calls as text.
import { Code, ConnectError } from "@connectrpc/connect";

import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";

/** Such as `CONTACT_NOT_FOUND`; empty if no service has answered. */
export function reason(error: unknown): string {
  return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason ?? "";
}

/** Whether no service has answered, or it asks to be called later. */
export function isBroken(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.Unavailable || reason(error) === "";
}

/** Whether the page itself has ended the call. */
export function isAborted(error: unknown): boolean {
  return ConnectError.from(error).code === Code.Canceled && reason(error) === "";
}

/** Whether the session has ended, and the user must log in again. */
export function endsSession(error: unknown): boolean {
  return [
    "TOKEN_REVOKED",
    "SESSION_REVOKED",
    "SESSION_EXPIRED",
    "REFRESH_TOKEN_INVALID",
    "REFRESH_TOKEN_REUSED",
    "ACCOUNT_DISABLED",
  ].includes(reason(error));
}

/** What is wrong, in one text for each field. */
export function describe(error: unknown): string[] {
  const cause = ConnectError.from(error);
  const fields = cause.findDetails(BadRequestSchema).flatMap((bad) => bad.fieldViolations);
  if (fields.length > 0) return fields.map(({ field, description }) => `${field} ${description}`);
  const name = reason(error);
  if (name === "") return [`The service cannot be reached: ${cause.rawMessage}`];
  const delay = cause.findDetails(RetryInfoSchema)[0]?.retryDelay;
  const later = delay ? ` Try again in ${Number(delay.seconds) + 1} s.` : "";
  return [`${cause.rawMessage} (${name}).${later}`];
}
