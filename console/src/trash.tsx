// Deleted contacts, which can be undeleted for some time.
import { useState } from "preact/hooks";

import type { Contact } from "../gen/addressbook/contacts/v1/contact_pb.js";
import { book } from "./book.js";
import { contacts } from "./calls.js";
import { useCell } from "./cell.js";
import { changes } from "./live.js";
import { Show, useLoaded } from "./parts/load.js";
import { attempt, say } from "./parts/notice.js";
import { Page, when } from "./parts/page.js";

/** How many are shown at first, and more each time. */
const STEP = 100;

/** As many as one call returns. */
const CALL_MAX = 500;

const READ_MASK = { paths: ["display_name", "delete_time", "expire_time"] };

/** The last deleted ones. */
async function load(ownerId: string, count: number, signal: AbortSignal) {
  const found: Contact[] = [];
  let pageToken = "";
  do {
    const pageSize = Math.min(count - found.length, CALL_MAX);
    const request = { ownerId, pageToken, pageSize, readMask: READ_MASK };
    const page = await contacts.listDeletedContacts(request, { signal });
    found.push(...page.contacts);
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && found.length < count);
  return { found, isMore: pageToken !== "" };
}

export function Trash() {
  const change = useCell(changes);
  const { ownerId } = useCell(book);
  const [count, setCount] = useState(STEP);
  const loaded = useLoaded((signal) => load(ownerId, count, signal), [change, ownerId, count]);
  // Only the owner can do this.
  const isOwner = ownerId === "";
  const empty = attempt(async () => {
    if (!confirm("Delete all contacts in the trash permanently?")) return;
    const { purgedCount } = await contacts.purgeContacts({ allDeleted: true });
    loaded.again();
    say(purgedCount === 1n ? "1 contact is gone." : `${purgedCount} contacts are gone.`);
  });
  return (
    <Page
      title="Trash"
      tools={
        isOwner &&
        (loaded.value?.found.length ?? 0) > 0 && (
          <button class="danger" onClick={empty}>
            Empty the trash
          </button>
        )
      }
    >
      <Show of={loaded}>
        {({ found, isMore }) => (
          <>
            {found.length === 0 && <p class="hint">The trash is empty.</p>}
            <ul class="entries">
              {found.map((contact) => (
                <Entry key={contact.id} contact={contact} again={loaded.again} />
              ))}
            </ul>
            {isMore && <button onClick={() => setCount(count + STEP)}>Show more</button>}
          </>
        )}
      </Show>
    </Page>
  );
}

function Entry({ contact, again }: { contact: Contact; again: () => void }) {
  const { id, displayName, deleteTime, expireTime } = contact;
  const { ownerId, canWrite } = useCell(book);
  const restore = attempt(async () => {
    await contacts.undeleteContact({ id, ownerId });
    again();
    say(`${displayName} is restored.`);
  });
  return (
    <li>
      <span class="grow">
        <a dir="auto" href={`#/contacts/${id}`}>
          {displayName}
        </a>
        <small class="hint">
          {" "}
          deleted {when(deleteTime)}, gone for ever {when(expireTime)}
        </small>
      </span>
      {canWrite && (
        <button aria-label={`Undelete ${displayName}`} onClick={restore}>
          Undelete
        </button>
      )}
    </li>
  );
}
