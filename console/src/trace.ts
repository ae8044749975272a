// Each call begins a trace, so that an operator finds what a click did in both services
// (W3C Trace Context).
import type { Interceptor } from "@connectrpc/connect";

/** The ids of a new trace and span, which is to be recorded. */
export function traceparent(): string {
  return `00-${randomId(16)}-${randomId(8)}-01`;
}

export const tracing: Interceptor = (next) => (request) => {
  request.header.set("traceparent", traceparent());
  return next(request);
};

function randomId(bytes: number): string {
  const id = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
