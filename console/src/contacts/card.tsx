// One contact. All that it contains is shown as text.
import { create } from "@bufbuild/protobuf";
import { useEffect, useRef } from "preact/hooks";

import { type Contact, ContactSchema } from "../../gen/addressbook/contacts/v1/contact_pb.js";
import { book } from "../book.js";
import { contacts } from "../calls.js";
import { useCell } from "../cell.js";
import { changes } from "../live.js";
import { Show, useLoaded } from "../parts/load.js";
import { attempt, say } from "../parts/notice.js";
import { go } from "../route.js";
import { dateText, LISTS, type ListField, valuesOf } from "./fields.js";
import { Photo, PhotoButtons } from "./photo.js";
import { Initials } from "./rows.js";

export function Card({ id }: { id: string }) {
  const change = useCell(changes);
  const { ownerId } = useCell(book);
  const loaded = useLoaded((signal) => contacts.getContact({ id, ownerId }, { signal }), [id, ownerId, change]);
  const back = useRef<HTMLAnchorElement>(null);
  // On a phone the list disappears, and the focus with it. Elsewhere this link is hidden.
  useEffect(() => back.current?.focus(), []);
  return (
    <>
      <a class="back" href="#/contacts" ref={back}>
        Back to the list
      </a>
      <Show of={loaded}>{({ contact }) => contact && <Details contact={contact} again={loaded.again} />}</Show>
    </>
  );
}

function Details({ contact, again }: { contact: Contact; again: () => void }) {
  const { displayName, nickname, birthday, dateOfDeath, labels, notes, customFields, photo, deleteTime } = contact;
  const { canWrite } = useCell(book);
  return (
    <article class="card">
      <div class="card-head">
        {photo ? <Photo id={contact.id} etag={photo.etag} name={displayName} /> : <Initials name={displayName} />}
        <h2 dir="auto">{displayName}</h2>
      </div>
      {deleteTime && <p class="problems">This contact is deleted.</p>}
      {canWrite && <Buttons contact={contact} again={again} />}
      <dl>
        {nickname && nickname !== displayName && <Entry title="Nickname" text={nickname} />}
        {LISTS.map((field) => (
          <Values key={field.name} contact={contact} field={field} />
        ))}
        {birthday && <Entry title="Birthday" text={dateText(birthday)} />}
        {dateOfDeath && <Entry title="Died" text={dateText(dateOfDeath)} />}
        {contact.events.map(
          ({ date, label }, at) => date && <Entry key={at} title={label || "Date"} text={dateText(date)} />,
        )}
        {labels.length > 0 && <Entry title="Labels" text={labels.join(", ")} />}
        {Object.entries(customFields).map(([key, value]) => (
          <Entry key={key} title={key} text={value} />
        ))}
        {notes && <Entry title="Notes" text={notes} />}
      </dl>
    </article>
  );
}

function Buttons({ contact, again }: { contact: Contact; again: () => void }) {
  const { id, etag, starred, displayName } = contact;
  const { ownerId } = useCell(book);
  const star = attempt(async () => {
    const changed = create(ContactSchema, { id, etag, starred: !starred });
    await contacts.updateContact({ contact: changed, updateMask: { paths: ["starred"] }, ownerId });
    again();
  });
  const remove = attempt(async () => {
    await contacts.deleteContact({ id, etag, ownerId });
    go("contacts");
    say(`${displayName} is deleted.`, async () => {
      await contacts.undeleteContact({ id, ownerId });
      go(`contacts/${id}`);
    });
  });
  const restore = attempt(async () => {
    await contacts.undeleteContact({ id, ownerId });
    again();
  });
  if (contact.deleteTime) return <button onClick={restore}>Undelete</button>;
  return (
    <div class="buttons">
      <a class="button primary" href={`#/contacts/${id}/edit`}>
        Edit
      </a>
      <button onClick={star} aria-pressed={starred}>
        {starred ? "★ Starred" : "☆ Star"}
      </button>
      <PhotoButtons contact={contact} again={again} />
      <button class="danger" onClick={remove}>
        Delete
      </button>
    </div>
  );
}

function Entry({ title, text }: { title: string; text: string }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd class="text" dir="auto">
        {text}
      </dd>
    </div>
  );
}

/** Only these are links: `javascript:` and the like stay text. */
const WEB = /^https?:\/\//i;

function linkOf(field: ListField, text: string): string | undefined {
  if (field.name === "emails") return `mailto:${encodeURIComponent(text).replace("%40", "@")}`;
  if (field.name === "phones") return `tel:${text.replace(/[^+\d*#]/g, "")}`;
  if (field.name === "urls" && WEB.test(text)) return text;
  return undefined;
}

function Values({ contact, field }: { contact: Contact; field: ListField }) {
  const values = valuesOf(contact, field);
  if (values.length === 0) return null;
  return (
    <div>
      <dt>{field.title}</dt>
      {values.map(({ parts, label }, at) => {
        const text = parts.join(", ");
        const link = linkOf(field, text);
        return (
          <dd key={at} dir="auto">
            {link === undefined ? (
              text
            ) : (
              <a href={link} target={field.name === "urls" ? "_blank" : undefined} rel="noreferrer noopener">
                {text}
              </a>
            )}
            {label && <span class="kind"> {label}</span>}
          </dd>
        );
      })}
    </div>
  );
}
