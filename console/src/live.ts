// Follows the changes of the address book that is shown.
import { contacts, ENDLESS, noticeEnd, token, user } from "./calls.js";
import { book } from "./book.js";
import { Cell } from "./cell.js";
import { isBroken, reason } from "./errors.js";

/** Rises with each change, by this page or another device. */
export const changes = new Cell(0);

/** Whether changes arrive. */
export const isLive = new Cell(false);

/** Changes that arrive together are shown together. */
const QUIET_MS = 100;

/** Before a stream is opened again; longer if the service has refused it. */
const PAUSE_MS = 500;
const LONG_PAUSE_MS = 10_000;

let announcing = false;

function announce(): void {
  if (announcing) return;
  announcing = true;
  setTimeout(() => {
    announcing = false;
    changes.value += 1;
  }, QUIET_MS);
}

let current: AbortController | undefined;

/** A page that nobody sees needs no stream, of which a browser has six to a server. */
function restart(): void {
  current?.abort();
  current = undefined;
  isLive.value = false;
  if (user.value === undefined || document.hidden) return;
  current = new AbortController();
  void follow(book.value.ownerId, current.signal);
}

user.follow(restart);
book.follow(restart);
document.addEventListener("visibilitychange", restart);

async function follow(ownerId: string, signal: AbortSignal): Promise<void> {
  let syncToken = "";
  while (!signal.aborted) {
    const used = await token().catch(() => undefined);
    let pause = PAUSE_MS;
    try {
      // Only that something has changed matters.
      const request = { syncToken, ownerId, readMask: { paths: ["id"] } };
      for await (const { event, syncToken: next } of contacts.watchContacts(request, { signal, ...ENDLESS })) {
        syncToken = next;
        if (event.case === "caughtUp") {
          isLive.value = true;
          // Something may have changed before the stream began.
          announce();
        } else if (isLive.value && event.case !== "heartbeat") announce();
      }
    } catch (error) {
      if (signal.aborted) return;
      noticeEnd(error);
      if (reason(error) === "SYNC_TOKEN_EXPIRED") syncToken = "";
      if (reason(error) === "TOKEN_EXPIRED") await token(used).catch(() => undefined);
      else if (!isBroken(error)) pause = LONG_PAUSE_MS;
    }
    isLive.value = false;
    // All pages do not come back at the same moment.
    await new Promise((done) => setTimeout(done, pause * (0.5 + Math.random())));
  }
}
