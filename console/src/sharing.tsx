// Sharing contacts with other users.
import { type Share, ShareRole, ShareState } from "../gen/addressbook/contacts/v1/shares_service_pb.js";
import { book, loadBooks, books } from "./book.js";
import { labels, shares, user } from "./calls.js";
import { useCell } from "./cell.js";
import { Choice, Field, Form } from "./parts/form.js";
import { Show, useLoaded } from "./parts/load.js";
import { attempt } from "./parts/notice.js";
import { Page } from "./parts/page.js";
import { go } from "./route.js";

const ROLES = [
  [ShareRole.READER, "Can read"],
  [ShareRole.EDITOR, "Can edit"],
] as const;

function roleText(role: ShareRole): string {
  return ROLES.find(([value]) => value === role)?.[1].toLowerCase() ?? "";
}

export function Sharing() {
  const own = useLoaded((signal) => shares.listShares({ pageSize: 100 }, { signal }), []);
  const received = useLoaded((signal) => shares.listSharedWithMe({ pageSize: 100 }, { signal }), []);
  const verified = useCell(user)?.emailVerified;
  return (
    <Page title="Sharing">
      {!verified && (
        <p class="hint">
          To share contacts, <a href="#/account">verify your e-mail address</a>. Offers to it are shown then.
        </p>
      )}
      <h2>Shared with me</h2>
      <Show of={received}>
        {({ shares: found }) => (
          <ul class="entries">
            {found.length === 0 && <li class="hint">Nothing.</li>}
            {found.map((share) => (
              <Received key={share.id} share={share} again={received.again} />
            ))}
          </ul>
        )}
      </Show>
      <h2>Shared by me</h2>
      <Show of={own}>
        {({ shares: found }) => (
          <ul class="entries">
            {found.length === 0 && <li class="hint">Nothing.</li>}
            {found.map((share) => (
              <Given key={share.id} share={share} again={own.again} />
            ))}
          </ul>
        )}
      </Show>
      {verified && <Offer again={own.again} />}
    </Page>
  );
}

function what({ labelName }: Share): string {
  return labelName === "" ? "all contacts" : `the label ${labelName}`;
}

function Received({ share, again }: { share: Share; again: () => void }) {
  const { id, etag, ownerId, ownerEmail, role } = share;
  const isAccepted = share.state === ShareState.ACCEPTED;
  const accept = attempt(async () => {
    const accepted = { id, etag, state: ShareState.ACCEPTED };
    await shares.updateShare({ share: accepted, updateMask: { paths: ["state"] }, ownerId });
    await loadBooks();
    again();
  });
  const end = attempt(async () => {
    await shares.deleteShare({ id, ownerId });
    await loadBooks();
    again();
  });
  const open = () => {
    const found = books.value.find((book) => book.ownerId === ownerId);
    if (found) book.value = found;
    go("contacts");
  };
  return (
    <li>
      <span class="grow">
        {ownerEmail}: {what(share)}, {roleText(role)}
      </span>
      {isAccepted && (
        <button aria-label={`Open the contacts of ${ownerEmail}`} onClick={open}>
          Open
        </button>
      )}
      {!isAccepted && (
        <button class="primary" aria-label={`Accept the contacts of ${ownerEmail}`} onClick={accept}>
          Accept
        </button>
      )}
      <button
        class="danger"
        aria-label={`${isAccepted ? "Leave" : "Decline"} the contacts of ${ownerEmail}`}
        onClick={end}
      >
        {isAccepted ? "Leave" : "Decline"}
      </button>
    </li>
  );
}

function Given({ share, again }: { share: Share; again: () => void }) {
  const { id, recipientEmail, role, state } = share;
  const end = attempt(async () => {
    await shares.deleteShare({ id });
    again();
  });
  return (
    <li>
      <span class="grow">
        {recipientEmail}: {what(share)}, {roleText(role)}
      </span>
      <span class="hint">{state === ShareState.ACCEPTED ? "accepted" : "offered"}</span>
      <button class="danger" aria-label={`End the share with ${recipientEmail}`} onClick={end}>
        End
      </button>
    </li>
  );
}

function Offer({ again }: { again: () => void }) {
  const loaded = useLoaded((signal) => labels.listLabels({}, { signal }), []);
  const options = loaded.value?.labels.map(({ id, name }) => [id, name] as const) ?? [];
  const offer = async (values: Record<string, string>, form: HTMLFormElement) => {
    const { recipientEmail = "", labelId = "" } = values;
    await shares.createShare({ share: { recipientEmail, labelId, role: Number(values["role"]) } });
    form.reset();
    again();
  };
  return (
    <Form action="Offer" onSend={offer}>
      <h3>Share contacts</h3>
      <Field label="E-mail of the other user" name="recipientEmail" inputMode="email" required autocomplete="off" />
      <Choice label="What" name="labelId" options={[["", "All contacts"], ...options]} />
      <Choice label="Role" name="role" options={ROLES} />
    </Form>
  );
}
