// Upcoming birthdays.
import { useState } from "preact/hooks";

import type { UpcomingBirthday } from "../gen/addressbook/contacts/v1/contacts_service_pb.js";
import { book } from "./book.js";
import { contacts } from "./calls.js";
import { useCell } from "./cell.js";
import { dateText } from "./contacts/fields.js";
import { changes } from "./live.js";
import { Choice } from "./parts/form.js";
import { Show, useLoaded } from "./parts/load.js";
import { Page } from "./parts/page.js";

const WINDOWS = [
  [7, "Next 7 days"],
  [31, "Next 31 days"],
  [366, "Next year"],
] as const;

export function Birthdays() {
  const change = useCell(changes);
  const { ownerId } = useCell(book);
  const [withinDays, setWithinDays] = useState<number>(31);
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const loaded = useLoaded(
    (signal) =>
      contacts.listUpcomingBirthdays(
        { withinDays, timeZone, ownerId, pageSize: 500, readMask: { paths: ["display_name"] } },
        { signal },
      ),
    [change, ownerId, withinDays],
  );
  return (
    <Page
      title="Birthdays"
      tools={<Choice label="Show" value={withinDays} onValue={setWithinDays} options={WINDOWS} />}
    >
      <Show of={loaded}>
        {({ birthdays }) =>
          birthdays.length === 0 ? (
            <p class="hint">There are no birthdays in this time.</p>
          ) : (
            <ul class="entries">
              {birthdays.map((birthday) => (
                <Entry key={birthday.contact?.id} birthday={birthday} />
              ))}
            </ul>
          )
        }
      </Show>
    </Page>
  );
}

function Entry({ birthday: { contact, date, daysUntil, turningAge } }: { birthday: UpcomingBirthday }) {
  const relative = new Intl.RelativeTimeFormat([], { numeric: "auto" });
  return (
    <li>
      <a class="grow" dir="auto" href={`#/contacts/${contact?.id}`}>
        {contact?.displayName}
      </a>
      {turningAge !== undefined && <span>turns {turningAge}</span>}
      <span>{date && dateText(date)}</span>
      <span class="hint">{relative.format(daysUntil, "day")}</span>
    </li>
  );
}
