// The scenarios with connect-web. The addresses of the services are in the page's URL.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ConnectError, Code } from "@connectrpc/connect";
import { createEnvelopeReadableStream, encodeEnvelope } from "@connectrpc/connect/protocol";
import { endStreamFlag, endStreamFromJson } from "@connectrpc/connect/protocol-connect";
import { createConnectTransport } from "@connectrpc/connect-web";

import {
  ContactsService,
  ImportContactsRequestSchema,
  ImportContactsResponseSchema,
} from "../gen/es/addressbook/contacts/v1/contacts_service_pb.js";
import { ConnectClient, type Platform, TIMEOUT_MS } from "./client.js";
import { run } from "./scenarios.js";

const query = new URLSearchParams(location.search);
const [auth, contacts] = [query.get("auth") ?? "", query.get("contacts") ?? ""];

const BROWSER: Platform = {
  transport: (address, interceptors) =>
    createConnectTransport({ baseUrl: `http://${address}`, interceptors, defaultTimeoutMs: TIMEOUT_MS }),

  /**
   * connect-web sends no streams, because a browser sends a request before it reads the response.
   * All messages are known here, so they are the body of one request of the Connect protocol.
   */
  async *importContacts(_book, requests, token) {
    const envelopes = requests.map((request) => encodeEnvelope(0, toBinary(ImportContactsRequestSchema, request)));
    const response = await fetch(`http://${contacts}/${ContactsService.typeName}/ImportContacts`, {
      method: "POST",
      headers: { "content-type": "application/connect+proto", authorization: `Bearer ${token}` },
      body: new Blob(envelopes),
    });
    if (!response.ok || !response.body) throw new ConnectError(`HTTP status ${response.status}`, Code.Unavailable);
    const messages = createEnvelopeReadableStream(response.body).getReader();
    for (;;) {
      const { done, value } = await messages.read();
      if (done) throw new ConnectError("the response is cut off", Code.Unavailable);
      if ((value.flags & endStreamFlag) === 0) {
        yield fromBinary(ImportContactsResponseSchema, value.data);
        continue;
      }
      const { error } = endStreamFromJson(value.data);
      if (error) throw error;
      return;
    }
  },
};

Object.assign(globalThis, { finished: run(new ConnectClient(BROWSER, auth, contacts)) });
