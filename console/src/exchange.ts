// Calls that send a stream. A browser sends a request before it reads the response, so the
// messages must be known at the beginning. That is what the Connect protocol calls half-duplex;
// connect-web does not do it.
import { Code, ConnectError } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { endStreamFlag, endStreamFromJson } from "@connectrpc/connect/protocol-connect";

import { traceparent } from "./trace.js";

export interface Exchange {
  /** Of the method. */
  url: string;
  /** The form of the messages. */
  form: "json" | "proto";
  token: string | undefined;
  messages: Uint8Array[];
  /** Called with the part of the request that was sent, from 0 to 1. */
  onSent?: (part: number) => void;
  /** Called with each message of the response. */
  onMessage: (message: Uint8Array) => void;
  signal?: AbortSignal;
}

/** Flags, and four bytes of length. */
const HEAD = 5;

/**
 * Sends messages, and then reads those of the response. Only XMLHttpRequest says how much was
 * sent. It returns the bytes of a response that is not complete only as text.
 */
export function exchange(call: Exchange): Promise<void> {
  const envelopes = call.messages.map((message) => encodeEnvelope(0, message));
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", call.url);
    request.setRequestHeader("content-type", `application/connect+${call.form}`);
    request.setRequestHeader("connect-protocol-version", "1");
    request.setRequestHeader("traceparent", traceparent());
    if (call.token !== undefined) request.setRequestHeader("authorization", `Bearer ${call.token}`);
    request.overrideMimeType("text/plain; charset=x-user-defined");
    request.upload.onprogress = ({ loaded, total }) => call.onSent?.(total > 0 ? loaded / total : 1);
    let taken = 0;
    let end: { error?: ConnectError } | undefined;
    const take = () => {
      if (request.status !== 200) return;
      for (;;) {
        const text = request.responseText;
        if (text.length < taken + HEAD) return;
        const head = new DataView(bytesOf(text, taken, HEAD).buffer);
        const length = head.getUint32(1);
        if (text.length < taken + HEAD + length) return;
        const message = bytesOf(text, taken + HEAD, length);
        taken += HEAD + length;
        if ((head.getUint8(0) & endStreamFlag) !== 0) end = endStreamFromJson(message);
        else call.onMessage(message);
      }
    };
    request.onprogress = take;
    request.onload = () => {
      take();
      if (end?.error) reject(end.error);
      else if (end) resolve();
      else reject(new ConnectError(`HTTP status ${request.status}`, Code.Unavailable));
    };
    request.onerror = () => reject(new ConnectError("the connection broke", Code.Unavailable));
    request.onabort = () => reject(new ConnectError("the call was ended", Code.Canceled));
    call.signal?.addEventListener("abort", () => request.abort());
    request.send(new Blob(envelopes as Uint8Array<ArrayBuffer>[]));
  });
}

/** In `x-user-defined`, the lower eight bits of a character are the byte. */
function bytesOf(text: string, from: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, at) => text.charCodeAt(from + at) & 0xff);
}
