// What every client does, and how its results are checked.
import { deepStrictEqual } from "node:assert";
import { readFileSync } from "node:fs";

/** The published retry policy, a gRPC service config. */
export const SERVICE_CONFIG = readFileSync(new URL("../../../../proto/service-config.json", import.meta.url), "utf8");

export const PASSWORD = "the otter naps at noon";
export const NAMES = ["Ada", "Barbara", "Edsger", "Grace", "Tony"];
/** How many calls need a new token at the same time. */
export const AT_ONCE = 8;

/** A file of vCards in pieces. The second card says nothing. */
export const CARDS: Buffer[] = ["FN:Alan\r\n", "", "FN:Kurt\r\n"].map((name) =>
  Buffer.from(`BEGIN:VCARD\r\nVERSION:4.0\r\n${name}END:VCARD\r\n`),
);

/** The scenarios in their order. */
export interface Client {
  signUp(): Promise<void>;
  refresh(): Promise<void>;
  pages(): Promise<void>;
  errors(): Promise<void>;
  retry(): Promise<void>;
  deadline(): Promise<void>;
  watch(): Promise<void>;
  importFile(): Promise<void>;
}

export function expect(actual: unknown, expected: unknown): void {
  deepStrictEqual(actual, expected);
}

/** The error of a call that must fail. */
export async function failure(call: Promise<unknown>): Promise<unknown> {
  const ended: unknown = await call.then(
    () => new Error("the call succeeded"),
    (error: unknown) => ({ error }),
  );
  if (ended instanceof Error) throw ended;
  return (ended as { error: unknown }).error;
}

/** Runs all scenarios, and says how each ended. */
export async function run(client: Client): Promise<never> {
  let failed = false;
  for (const [name, scenario] of [
    ["sign_up", () => client.signUp()],
    ["refresh", () => client.refresh()],
    ["pages", () => client.pages()],
    ["errors", () => client.errors()],
    ["retry", () => client.retry()],
    ["deadline", () => client.deadline()],
    ["watch", () => client.watch()],
    ["import_file", () => client.importFile()],
  ] as const) {
    try {
      await scenario();
      console.log("ok", name);
    } catch (error) {
      failed = true;
      console.log(`failed ${name}: ${String(error).replaceAll("\n", " ")}`);
    }
  }
  process.exit(failed ? 1 : 0);
}
