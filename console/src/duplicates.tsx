// Contacts that may be the same person, side by side.
import { useId, useState } from "preact/hooks";

import type { Contact } from "../gen/addressbook/contacts/v1/contact_pb.js";
import { type DuplicateGroup, DuplicateReason } from "../gen/addressbook/contacts/v1/contacts_service_pb.js";
import { book } from "./book.js";
import { contacts } from "./calls.js";
import { useCell } from "./cell.js";
import { dateText, LISTS, valuesOf } from "./contacts/fields.js";
import { changes } from "./live.js";
import { Show, useLoaded } from "./parts/load.js";
import { attempt, say } from "./parts/notice.js";
import { Page } from "./parts/page.js";

const REASONS: Partial<Record<DuplicateReason, string>> = {
  [DuplicateReason.SAME_EMAIL]: "same e-mail",
  [DuplicateReason.SAME_PHONE]: "same phone",
  [DuplicateReason.SAME_NAME]: "same name",
  [DuplicateReason.SIMILAR_NAME]: "similar name",
  [DuplicateReason.SAME_BIRTHDAY]: "same birthday",
};

export function Duplicates() {
  const change = useCell(changes);
  const { ownerId } = useCell(book);
  const loaded = useLoaded((signal) => contacts.findDuplicates({ ownerId }, { signal }), [change, ownerId]);
  return (
    <Page title="Duplicates">
      <Show of={loaded}>
        {({ groups }) => (
          <>
            {groups.length === 0 && <p class="hint">There are no duplicates.</p>}
            {groups.map((group) => (
              <Group key={group.contacts.map(({ id }) => id).join()} group={group} again={loaded.again} />
            ))}
          </>
        )}
      </Show>
    </Page>
  );
}

function Group({ group, again }: { group: DuplicateGroup; again: () => void }) {
  const { ownerId, canWrite } = useCell(book);
  const [primary, setPrimary] = useState(group.contacts[0]?.id ?? "");
  const heading = useId();
  const others = group.contacts.filter(({ id }) => id !== primary).map(({ id }) => id);
  const merge = attempt(async () => {
    const etags = Object.fromEntries(group.contacts.map(({ id, etag }) => [id, etag]));
    const requestId = crypto.randomUUID();
    const merged = await contacts.mergeContacts({ primaryId: primary, otherIds: others, etags, requestId, ownerId });
    again();
    say(`Merged into ${merged.contact?.displayName}.`, async () => {
      await contacts.unmergeContacts({ mergeId: merged.mergeId, ownerId });
    });
  });
  const ignore = attempt(async () => {
    const [otherId = "", ...otherIds] = others;
    await contacts.ignoreDuplicate({ id: primary, otherId, otherIds, ownerId });
    again();
  });
  const reasons = group.reasons.map((reason) => REASONS[reason] ?? "").filter((text) => text !== "");
  return (
    <section class="group" aria-labelledby={heading}>
      <h2 id={heading}>
        {group.contacts[0]?.displayName}: {reasons.join(", ")} ({Math.round(group.score * 100)} %)
      </h2>
      <fieldset class="beside">
        <legend>Which contact to keep, with the data of the others</legend>
        {group.contacts.map((contact) => (
          <label key={contact.id} class="candidate">
            <input
              type="radio"
              name={heading}
              checked={contact.id === primary}
              onChange={() => setPrimary(contact.id)}
            />
            <Summary contact={contact} />
          </label>
        ))}
      </fieldset>
      {canWrite && (
        <div class="buttons">
          <button class="primary" onClick={merge}>
            Merge
          </button>
          <button onClick={ignore}>These are different people</button>
        </div>
      )}
    </section>
  );
}

function Summary({ contact }: { contact: Contact }) {
  const { displayName, birthday, labels } = contact;
  const lines = LISTS.flatMap((field) => valuesOf(contact, field).map(({ parts }) => parts.join(", ")));
  if (birthday) lines.push(dateText(birthday));
  if (labels.length > 0) lines.push(labels.join(", "));
  return (
    <span class="summary">
      <strong dir="auto">{displayName}</strong>
      {lines.map((line, at) => (
        <span key={at} dir="auto">
          {line}
        </span>
      ))}
    </span>
  );
}
