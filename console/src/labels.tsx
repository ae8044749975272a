// Labels: names for groups of contacts.
import { useState } from "preact/hooks";

import type { Label } from "../gen/addressbook/contacts/v1/labels_service_pb.js";
import { book } from "./book.js";
import { labels } from "./calls.js";
import { useCell } from "./cell.js";
import { changes } from "./live.js";
import { Field, Form } from "./parts/form.js";
import { Show, useLoaded } from "./parts/load.js";
import { attempt, say } from "./parts/notice.js";
import { Page } from "./parts/page.js";

export function Labels() {
  const change = useCell(changes);
  const { ownerId, canWrite } = useCell(book);
  const loaded = useLoaded((signal) => labels.listLabels({ ownerId }, { signal }), [change, ownerId]);
  const create = async ({ name = "" }: Record<string, string>, form: HTMLFormElement) => {
    await labels.createLabel({ label: { name }, ownerId });
    form.reset();
    loaded.again();
  };
  return (
    <Page title="Labels">
      {canWrite && (
        <Form action="Create" onSend={create} class="line">
          <Field label="New label" name="name" required maxLength={100} />
        </Form>
      )}
      <Show of={loaded}>
        {({ labels: found }) =>
          found.length === 0 ? (
            <p class="hint">There are no labels yet.</p>
          ) : (
            <ul class="entries">
              {found.map((label) => (
                <Entry key={label.id} label={label} again={loaded.again} />
              ))}
            </ul>
          )
        }
      </Show>
    </Page>
  );
}

function Entry({ label, again }: { label: Label; again: () => void }) {
  const { id, etag, name, contactCount } = label;
  const { ownerId, canWrite } = useCell(book);
  const [isRenaming, setRenaming] = useState(false);
  const remove = attempt(async () => {
    if (!confirm(`Delete the label ${name}? Its contacts stay.`)) return;
    await labels.deleteLabel({ id, etag, ownerId });
    again();
    say(`The label ${name} is deleted.`);
  });
  const rename = async ({ name = "" }: Record<string, string>) => {
    await labels.updateLabel({ label: { id, etag, name }, updateMask: { paths: ["name"] }, ownerId });
    setRenaming(false);
    again();
  };
  if (isRenaming) {
    return (
      <li>
        <Form
          action="Save"
          class="line"
          onSend={rename}
          more={
            <button type="button" onClick={() => setRenaming(false)}>
              Cancel
            </button>
          }
        >
          <Field label={`New name of ${name}`} name="name" defaultValue={name} required maxLength={100} />
        </Form>
      </li>
    );
  }
  return (
    <li>
      <a class="grow" dir="auto" href={`#/contacts/label/${encodeURIComponent(name)}`}>
        {name}
      </a>
      <span class="hint">{contactCount === 1n ? "1 contact" : `${contactCount} contacts`}</span>
      {canWrite && (
        <button aria-label={`Rename ${name}`} onClick={() => setRenaming(true)}>
          Rename
        </button>
      )}
      {canWrite && (
        <button class="danger" aria-label={`Delete ${name}`} onClick={remove}>
          Delete
        </button>
      )}
    </li>
  );
}
