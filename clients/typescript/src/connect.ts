// The scenarios with connect-node. Usage: connect.js AUTH CONTACTS
import { createGrpcTransport } from "@connectrpc/connect-node";

import { ConnectClient, NO_TIMEOUT, type Platform, TIMEOUT_MS } from "./client.js";
import { run } from "./scenarios.js";

const NODE: Platform = {
  transport: (address, interceptors) =>
    createGrpcTransport({
      baseUrl: `http://${address}`,
      interceptors,
      defaultTimeoutMs: TIMEOUT_MS,
      // A stream whose server has disappeared ends after both.
      pingIntervalMs: 20_000,
      pingTimeoutMs: 10_000,
    }),
  async *importContacts(book, requests) {
    async function* messages() {
      yield* requests;
    }
    yield* book.importContacts(messages(), NO_TIMEOUT);
  },
};

const [auth = "127.0.0.1:50051", contacts = "127.0.0.1:50052"] = process.argv.slice(2);
process.exit((await run(new ConnectClient(NODE, auth, contacts))) ? 0 : 1);
