// What every client does, and how its results are checked.
export const PASSWORD = "the otter naps at noon";
export const NAMES = ["Ada", "Barbara", "Edsger", "Grace", "Tony"];
/** How many calls need a new token at the same time. */
export const AT_ONCE = 8;

/** A file of vCards in pieces. The second card says nothing. */
export const CARDS = ["FN:Alan\r\n", "", "FN:Kurt\r\n"].map((name) =>
  new TextEncoder().encode(`BEGIN:VCARD\r\nVERSION:4.0\r\n${name}END:VCARD\r\n`),
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

/** Fails if two values differ, as JSON. */
export function expect(actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found !== wanted) throw new Error(`${found} instead of ${wanted}`);
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
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

/** Runs all scenarios, and says how each ended. Returns whether all succeeded. */
export async function run(client: Client): Promise<boolean> {
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
  return !failed;
}
