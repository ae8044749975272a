// The contacts of the list: endless, searched as one types, and up to date.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import type { Contact } from "../../gen/addressbook/contacts/v1/contact_pb.js";
import { book } from "../book.js";
import { contacts } from "../calls.js";
import { useCell } from "../cell.js";
import { describe, isAborted } from "../errors.js";
import { changes } from "../live.js";

/** What a row shows. */
const READ_MASK = { paths: ["display_name", "starred", "labels", "emails", "phones", "organizations"] };

/** How many contacts are loaded at first, and how many when the end comes near. */
const PAGE = 100;
const NEXT_PAGE = 500;

/** Which contacts are listed. */
export interface Wanted {
  query: string;
  filter: string;
  orderBy: string;
}

export interface Page {
  rows: Contact[];
  next: string;
}

async function load(
  { query, filter, orderBy }: Wanted,
  pageToken: string,
  pageSize: number,
  signal: AbortSignal,
): Promise<Page> {
  const { ownerId } = book.value;
  if (query.trim() === "") {
    const request = { pageSize, pageToken, filter, orderBy, ownerId, readMask: READ_MASK };
    const page = await contacts.listContacts(request, { signal });
    return { rows: page.contacts, next: page.nextPageToken };
  }
  const request = { query, pageSize: Math.min(pageSize, 100), pageToken, filter, ownerId, readMask: READ_MASK };
  const page = await contacts.searchContacts(request, { signal });
  return { rows: page.results.flatMap(({ contact }) => contact ?? []), next: page.nextPageToken };
}

/** The first contacts, at least as many as were shown. */
async function loadFirst(wanted: Wanted, count: number, signal: AbortSignal): Promise<Page> {
  let page = await load(wanted, "", Math.max(count, PAGE), signal);
  const { rows } = page;
  while (page.next !== "" && rows.length < count) {
    page = await load(wanted, page.next, count - rows.length, signal);
    rows.push(...page.rows);
  }
  return { rows, next: page.next };
}

/** The contacts that are wanted, page by page. */
export function useContacts(wanted: Wanted) {
  const change = useCell(changes);
  const [page, setPage] = useState<Page>();
  const [problems, setProblems] = useState<string[]>([]);
  const shown = useRef(0);
  shown.current = page?.rows.length ?? 0;
  const key = JSON.stringify(wanted);
  const current = useRef(key);
  const [isLoading, setLoading] = useState(false);

  useEffect(() => {
    const controller = new AbortController();
    // A change keeps the place; another search begins at the top.
    const count = current.current === key ? shown.current : 0;
    current.current = key;
    loadFirst(wanted, count, controller.signal).then(
      (page) => {
        if (controller.signal.aborted) return;
        setPage(page);
        setProblems([]);
      },
      (error: unknown) => {
        if (!controller.signal.aborted && !isAborted(error)) setProblems(describe(error));
      },
    );
    return () => controller.abort();
  }, [key, change]);

  const more = useCallback(() => {
    if (!page || page.next === "" || isLoading) return;
    setLoading(true);
    load(wanted, page.next, NEXT_PAGE, new AbortController().signal)
      .then(
        ({ rows, next }) =>
          // Unless the list was loaded again meanwhile.
          setPage((now) => (now === page ? { rows: [...page.rows, ...rows], next } : now)),
        (error: unknown) => setProblems(describe(error)),
      )
      .finally(() => setLoading(false));
  }, [page, isLoading, key]);

  return { page, problems, more };
}
