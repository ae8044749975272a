// The page of contacts: the list, and beside it one contact.
import { useEffect, useRef, useState } from "preact/hooks";

import { book } from "../book.js";
import { labels } from "../calls.js";
import { useCell } from "../cell.js";
import { changes } from "../live.js";
import { Choice } from "../parts/form.js";
import { useLoaded } from "../parts/load.js";
import { Page } from "../parts/page.js";
import { Card } from "./card.js";
import { Editor } from "./editor.js";
import { useContacts } from "./list.js";
import { Rows } from "./rows.js";

/** How long to wait for the next letter. */
const TYPING_MS = 120;

const ORDERS = [
  ["family_name", "Family name"],
  ["given_name", "Given name"],
  ["update_time desc", "Last changed"],
  ["create_time desc", "Last created"],
] as const;

const FAVOURITES = "starred=true";

/** `contacts`, `contacts/ID`, `contacts/ID/edit`, `contacts/new` or `contacts/label/NAME`. */
export function Contacts({ words: [first, second] }: { words: string[] }) {
  const { canWrite, name } = useCell(book);
  const id = first === "label" ? undefined : first;
  const label = first === "label" ? second : undefined;
  return (
    <Page
      title={name}
      tools={
        canWrite && (
          <a class="button primary" href="#/contacts/new">
            New contact
          </a>
        )
      }
    >
      <div class="panes" data-open={id !== undefined}>
        <List selected={id} label={label} />
        <div class="pane detail-pane">
          {id === undefined && <p class="hint">Choose a contact to see it here.</p>}
          {id === "new" && <Editor id={undefined} />}
          {id !== undefined && id !== "new" && second === "edit" && <Editor key={id} id={id} />}
          {id !== undefined && id !== "new" && second !== "edit" && <Card key={id} id={id} />}
        </div>
      </div>
    </Page>
  );
}

/** A filter for contacts with a label. */
function withLabel(name: string): string {
  return `labels:"${name.replace(/[\\"]/g, "\\$&")}"`;
}

function List({ selected, label }: { selected: string | undefined; label: string | undefined }) {
  const typed = useRef<HTMLInputElement>(null);
  const [query, setQuery] = useState("");
  const [filter, setFilter] = useState(label === undefined ? "" : withLabel(label));
  useEffect(() => {
    if (label !== undefined) setFilter(withLabel(label));
  }, [label]);
  const [orderBy, setOrderBy] = useState<string>(ORDERS[0][0]);
  const { page, problems, more } = useContacts({ query, filter, orderBy });
  const timer = useRef(0);
  const search = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setQuery(typed.current?.value ?? ""), TYPING_MS);
  };
  return (
    <section class="pane list-pane" aria-label="List of contacts">
      <div class="tools" role="search">
        <input
          type="search"
          ref={typed}
          onInput={search}
          onKeyDown={toList}
          aria-label="Search"
          placeholder="Search"
          maxLength={200}
        />
        <Filter value={filter} onValue={setFilter} />
        {query === "" && <Choice label="Order" value={orderBy} onValue={setOrderBy} options={ORDERS} />}
      </div>
      {problems.map((problem) => (
        <p key={problem} class="problems" role="alert">
          {problem}
        </p>
      ))}
      {page && (
        <p class="visually-hidden" role="status">
          {count(page.rows.length, page.next !== "")}
        </p>
      )}
      {page && page.rows.length > 0 && <Rows page={page} more={more} selected={selected} />}
      {page && page.rows.length === 0 && problems.length === 0 && (
        <p class="hint">{query || filter ? "Nothing found." : "There are no contacts yet."}</p>
      )}
    </section>
  );
}

/** The arrow goes from the search to what was found. */
function toList(event: KeyboardEvent): void {
  if (event.key !== "ArrowDown") return;
  event.preventDefault();
  document.querySelector<HTMLElement>(".rows a")?.focus();
}

function count(rows: number, isMore: boolean): string {
  if (isMore) return `${rows} contacts, and more`;
  return rows === 1 ? "1 contact" : `${rows} contacts`;
}

function Filter({ value, onValue }: { value: string; onValue: (filter: string) => void }) {
  const change = useCell(changes);
  const { ownerId } = useCell(book);
  const loaded = useLoaded((signal) => labels.listLabels({ ownerId }, { signal }), [change, ownerId]);
  const found = loaded.value?.labels ?? [];
  const options = found.map(({ name }) => [withLabel(name), name] as const);
  const all = [["", "All"] as const, [FAVOURITES, "★ Starred"] as const, ...options];
  // Its contacts may still be listed after a label has disappeared.
  if (!all.some(([option]) => option === value)) all.push([value, value]);
  return <Choice label="Show" value={value} onValue={onValue} options={all} />;
}
