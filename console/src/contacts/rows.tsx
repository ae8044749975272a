// The rows of the list. Only those near the screen are in the page, however long the list is.
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Contact } from "../../gen/addressbook/contacts/v1/contact_pb.js";
import type { Page } from "./list.js";

/** Rows come into the page, and leave it, by as many; this many are beyond the screen. */
const STEP = 20;

interface Seen {
  /** The first row that is in the page, and the one after the last. */
  from: number;
  to: number;
  /** The height of a row, in pixels: the same for all. */
  height: number;
}

/** Which rows are near the screen. */
function useSeen(list: RefObject<HTMLUListElement | null>, count: number): Seen {
  const [seen, setSeen] = useState<Seen>({ from: 0, to: 2 * STEP, height: 0 });
  useLayoutEffect(() => {
    const measure = () => {
      const height = list.current?.querySelector("li")?.getBoundingClientRect().height;
      if (!list.current || !height) return;
      const top = -list.current.getBoundingClientRect().top;
      const from = Math.max(0, Math.floor(top / height / STEP) - 1) * STEP;
      const to = (Math.ceil((top + innerHeight) / height / STEP) + 1) * STEP;
      setSeen((old) => (old.from === from && old.to === to && old.height === height ? old : { from, to, height }));
    };
    measure();
    addEventListener("scroll", measure, { passive: true });
    addEventListener("resize", measure);
    return () => {
      removeEventListener("scroll", measure);
      removeEventListener("resize", measure);
    };
  }, [count]);
  // A search may have found less since.
  const from = Math.min(seen.from, Math.max(0, count - STEP));
  return { from, to: Math.min(seen.to, count), height: seen.height };
}

interface RowsProps {
  page: Page;
  more: () => void;
  /** The id of the contact that is shown. */
  selected: string | undefined;
}

/** The rows. The next page is loaded when the end comes near. */
export function Rows({ page: { rows, next }, more, selected }: RowsProps) {
  const list = useRef<HTMLUListElement>(null);
  const end = useRef<HTMLDivElement>(null);
  const { from, to, height } = useSeen(list, rows.length);
  useEffect(() => {
    if (!end.current) return;
    const observer = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && more(),
      { rootMargin: "600px" },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [more]);
  return (
    <>
      <ul
        class="rows"
        ref={list}
        onKeyDown={moveFocus}
        style={{ paddingTop: `${from * height}px`, paddingBottom: `${(rows.length - to) * height}px` }}
      >
        {rows.slice(from, to).map((contact, at) => (
          <Row
            key={contact.id}
            contact={contact}
            isSelected={contact.id === selected}
            place={from + at + 1}
            count={next === "" ? rows.length : -1}
          />
        ))}
      </ul>
      {next !== "" && (
        <div ref={end} class="end">
          <button onClick={more}>Show more</button>
        </div>
      )}
    </>
  );
}

/** The arrow keys go from row to row. */
function moveFocus(event: KeyboardEvent): void {
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" } as const;
  const way = step[event.key as keyof typeof step];
  const row = document.activeElement?.closest("li")?.[way]?.querySelector("a");
  if (!way || !row) return;
  event.preventDefault();
  row.focus();
}

interface RowProps {
  contact: Contact;
  isSelected: boolean;
  /** The place of the row, from 1, and the number of all; -1 if it is unknown. */
  place: number;
  count: number;
}

function Row({ contact, isSelected, place, count }: RowProps) {
  const { id, displayName, starred, emails, phones, organizations, labels } = contact;
  const detail = organizations[0]?.name || emails[0]?.address || phones[0]?.number;
  return (
    <li aria-posinset={place} aria-setsize={count}>
      <a href={`#/contacts/${id}`} aria-current={isSelected ? "true" : undefined}>
        <Initials name={displayName} />
        <span class="who">
          <span class="name" dir="auto">
            {displayName}
          </span>
          {detail && detail !== displayName && (
            <span class="detail" dir="auto">
              {detail}
            </span>
          )}
        </span>
        {labels.slice(0, 2).map((label) => (
          <span key={label} class="label" dir="auto">
            {label}
          </span>
        ))}
        {starred && (
          <span class="star" role="img" aria-label="starred">
            ★
          </span>
        )}
      </a>
    </li>
  );
}

/** In place of a photo. */
export function Initials({ name }: { name: string }) {
  const letters = name
    .split(/\s+/)
    .map((word) => [...word][0] ?? "")
    .filter((letter) => /\p{L}/u.test(letter));
  const text = letters.length > 1 ? `${letters[0]}${letters.at(-1)}` : (letters[0] ?? "?");
  return (
    <span class="initials" aria-hidden="true">
      {text.toUpperCase()}
    </span>
  );
}
