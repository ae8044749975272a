// The form that creates or changes a contact.
import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";

import { type Contact, ContactSchema } from "../../gen/addressbook/contacts/v1/contact_pb.js";
import { book } from "../book.js";
import { contacts } from "../calls.js";
import { useCell } from "../cell.js";
import { Field, Form } from "../parts/form.js";
import { Show, useLoaded } from "../parts/load.js";
import { say } from "../parts/notice.js";
import { go } from "../route.js";
import { type ContactInit, EDITED, LISTS, type ListField, snake, TEXTS } from "./fields.js";

/** A value of a list, with its parts; parts that the form does not know are kept. */
type Value = Record<string, unknown>;

export function Editor({ id }: { id: string | undefined }) {
  const { ownerId } = useCell(book);
  // Not loaded again while it is edited: the etag finds a change meanwhile.
  const loaded = useLoaded(
    async (signal) => {
      if (id === undefined) return create(ContactSchema);
      return (await contacts.getContact({ id, ownerId }, { signal })).contact;
    },
    [id, ownerId],
  );
  return <Show of={loaded}>{(contact) => contact && <ContactForm contact={contact} />}</Show>;
}

/** A contact has just the names of its labels. */
const LABELS = { name: "labels", title: "Labels", one: "label", parts: [{ name: "name", title: "Name" }] } as const;

/** The values of each list. */
function valuesOf(contact: Contact): Map<string, Value[]> {
  const lists = LISTS.map(({ name }): [string, Value[]] => [name, contact[name].map((value) => ({ ...value }))]);
  return new Map([...lists, [LABELS.name, contact.labels.map((name) => ({ name }))]]);
}

function ContactForm({ contact }: { contact: Contact }) {
  const { ownerId } = useCell(book);
  const [lists, setLists] = useState(() => valuesOf(contact));
  const [requestId] = useState(() => crypto.randomUUID());
  const isNew = contact.id === "";
  const save = async (texts: Record<string, string>) => {
    const edited = contactOf(contact, texts, lists);
    const saved = isNew
      ? await contacts.createContact({ contact: edited, requestId, ownerId })
      : await contacts.updateContact({ contact: edited, updateMask: { paths: EDITED.map(snake) }, ownerId });
    say(`${saved.contact?.displayName} is saved.`);
    go(`contacts/${saved.contact?.id}`);
  };
  const birthday = contact.birthday;
  const number = (value: number | undefined) => (value ? String(value) : "");
  return (
    <article class="card">
      <h2>{isNew ? "New contact" : `Edit ${contact.displayName}`}</h2>
      <Form
        action="Save"
        onSend={save}
        more={
          <a class="button" href={isNew ? "#/contacts" : `#/contacts/${contact.id}`}>
            Cancel
          </a>
        }
      >
        <div class="grid">
          {TEXTS.map(([name, title]) => (
            <Field key={name} label={title} name={name} defaultValue={contact[name]} maxLength={200} />
          ))}
        </div>
        {[...LISTS, LABELS].map((field) => (
          <ValuesEditor
            key={field.name}
            field={field}
            values={lists.get(field.name) ?? []}
            onValues={(values) => setLists(new Map(lists).set(field.name, values))}
          />
        ))}
        <fieldset>
          <legend>Birthday</legend>
          <div class="value">
            <Field label="Day" name="day" type="number" min={1} max={31} defaultValue={number(birthday?.day)} />
            <Field label="Month" name="month" type="number" min={1} max={12} defaultValue={number(birthday?.month)} />
            <Field label="Year" name="year" type="number" min={1} max={9999} defaultValue={number(birthday?.year)} />
          </div>
        </fieldset>
        <div class="field">
          <label for="notes">Notes</label>
          <textarea id="notes" name="notes" rows={4} defaultValue={contact.notes} />
        </div>
      </Form>
    </article>
  );
}

/** What the form says, with the etag of what was edited. */
function contactOf({ id, etag }: Contact, texts: Record<string, string>, lists: Map<string, Value[]>): ContactInit {
  const [year, month, day] = ["year", "month", "day"].map((name) => Number(texts[name] || 0));
  const filled = ({ name, parts }: { name: string; parts: readonly { name: string }[] }) =>
    (lists.get(name) ?? []).filter((value) => parts.some((part) => value[part.name]));
  return {
    id,
    etag,
    ...Object.fromEntries(TEXTS.map(([name]) => [name, texts[name] ?? ""])),
    ...Object.fromEntries(LISTS.map((field) => [field.name, filled(field)])),
    ...(year || month || day ? { birthday: { year, month, day } } : {}),
    notes: texts["notes"] ?? "",
    labels: filled(LABELS).map(({ name }) => name),
  } as ContactInit;
}

interface ValuesProps {
  field: Pick<ListField, "title" | "one"> & { parts: readonly ListField["parts"][number][] };
  values: Value[];
  onValues: (values: Value[]) => void;
}

function ValuesEditor({ field: { title, one, parts }, values, onValues }: ValuesProps) {
  const set = (at: number, part: string, text: string) =>
    onValues(values.map((value, index) => (index === at ? { ...value, [part]: text } : value)));
  return (
    <fieldset>
      <legend>{title}</legend>
      {values.map((value, at) => (
        <div class="value" key={at}>
          {parts.map(({ name, title: label, keys }) => (
            <Field
              key={name}
              label={label}
              inputMode={keys ?? "text"}
              value={String(value[name] ?? "")}
              onValue={(text) => set(at, name, text)}
            />
          ))}
          <button
            type="button"
            aria-label={`Remove ${one} ${at + 1}`}
            onClick={() => onValues(values.filter((_, index) => index !== at))}
          >
            Remove
          </button>
        </div>
      ))}
      <button type="button" onClick={() => onValues([...values, {}])}>
        Add {/^[aeiou]/.test(one) ? "an" : "a"} {one}
      </button>
    </fieldset>
  );
}
