// The published retry policy for Connect's libraries, which cannot read it: an interceptor does
// what it says.
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";

import { ErrorInfoSchema, RetryInfoSchema } from "../gen/es/google/rpc/error_details_pb.js";
import SERVICE_CONFIG from "../gen/service-config.js";
import { sleep } from "./scenarios.js";

/** Such as `CONTACT_NOT_FOUND`; empty if no service has answered. */
export function reason(error: unknown): string {
  return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason ?? "";
}

/** What the libraries make of a connection that broke, beside UNAVAILABLE. */
const BROKEN = [Code.Aborted, Code.Canceled, Code.Internal, Code.Unknown];

/** Whether the server cannot be reached, or asks to be called later. */
export function isBroken(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  const { code } = error;
  return code === Code.Unavailable || (BROKEN.includes(code) && reason(error) === "");
}

interface RetryPolicy {
  maxAttempts: number;
  initialBackoff: string;
  maxBackoff: string;
  backoffMultiplier: number;
  retryableStatusCodes: string[];
}

interface Entry {
  name: { service: string; method: string }[];
  retryPolicy?: RetryPolicy;
}

const POLICIES = new Map<string, RetryPolicy>();
for (const { name, retryPolicy } of SERVICE_CONFIG.methodConfig as Entry[]) {
  for (const { service, method } of name) {
    if (retryPolicy) POLICIES.set(`${service}/${method}`, retryPolicy);
  }
}

/** Repeats calls with one request and one response as the policy says. */
export const retrying: Interceptor = (next) => async (request) => {
  const policy = POLICIES.get(`${request.service.typeName}/${request.method.name}`);
  if (request.stream || !policy) return next(request);
  for (let attempt = 1; ; attempt++) {
    try {
      return await next(request);
    } catch (cause) {
      const error = ConnectError.from(cause);
      const delay = retryDelay(policy, attempt, error);
      if (delay === undefined || attempt >= policy.maxAttempts || request.signal.aborted) throw error;
      await sleep(delay);
      request.signal.throwIfAborted();
    }
  }
};

/** In milliseconds; undefined if a retry is useless. */
function retryDelay(policy: RetryPolicy, attempt: number, error: ConnectError): number | undefined {
  const code = Code[isBroken(error) ? Code.Unavailable : error.code] ?? "";
  const name = code.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
  if (!policy.retryableStatusCodes.includes(name)) return undefined;
  const asked = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  // Rounded up: a retry that is a moment too early is refused again.
  if (asked) return Math.ceil(durationMs(asked)) + 1;
  // A quota, not a rate: without a delay it is final.
  if (!isBroken(error)) return undefined;
  const backoff = parseFloat(policy.initialBackoff) * policy.backoffMultiplier ** (attempt - 1);
  return Math.min(backoff, parseFloat(policy.maxBackoff)) * 1000 * (0.8 + 0.4 * Math.random());
}
