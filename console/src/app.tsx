// The frame of all pages, and which one is shown.
import { useEffect } from "preact/hooks";

import { Account } from "./account.js";
import { Birthdays } from "./birthdays.js";
import { book, books, loadBooks, reset } from "./book.js";
import { logOut, user } from "./calls.js";
import { useCell } from "./cell.js";
import { Contacts } from "./contacts/contacts.js";
import { Duplicates } from "./duplicates.js";
import { LogIn, ResetPassword, SignUp, VerifyEmail } from "./enter.js";
import { Explorer } from "./explorer/explorer.js";
import { Labels } from "./labels.js";
import { isLive } from "./live.js";
import { Choice } from "./parts/form.js";
import { attempt, NoticePlace } from "./parts/notice.js";
import { go, route } from "./route.js";
import { Sharing } from "./sharing.js";
import { Transfer } from "./transfer.js";
import { Trash } from "./trash.js";

/** The pages of those who are logged in, by the first word of the path. */
const PAGES = [
  ["contacts", "Contacts", Contacts],
  ["birthdays", "Birthdays", Birthdays],
  ["labels", "Labels", Labels],
  ["duplicates", "Duplicates", Duplicates],
  ["trash", "Trash", Trash],
  ["transfer", "Import, export", Transfer],
  ["sharing", "Sharing", Sharing],
  ["account", "Account", Account],
  ["explorer", "Explorer", Explorer],
] as const;

export function App() {
  const isIn = useCell(user) !== undefined;
  const words = useCell(route);
  useEffect(() => {
    reset();
    if (isIn) loadBooks().catch(() => undefined);
  }, [isIn]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <header>
        <span class="brand">Address book</span>
        {isIn && <Navigation />}
        {isIn && <State />}
      </header>
      <NoticePlace />
      <main id="main" tabIndex={-1}>
        {isIn ? <Inside words={words} /> : <Outside words={words} />}
      </main>
    </>
  );
}

/** A link to `#main` would change the route. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** The page for the first word of a path, such as that of the log-in. */
function pageOf(first: string | undefined): (typeof PAGES)[number] {
  const path = first === "verify-email" ? "account" : first;
  return PAGES.find(([found]) => found === path) ?? PAGES[0];
}

function Navigation() {
  const [here] = pageOf(useCell(route)[0]);
  return (
    <nav aria-label="Pages">
      {PAGES.map(([path, title]) => (
        <a key={path} href={`#/${path}`} aria-current={path === here ? "page" : undefined}>
          {title}
        </a>
      ))}
    </nav>
  );
}

/** The next user begins with the first page. */
const leave = attempt(async () => {
  go("login");
  await logOut();
});

function State() {
  const live = useCell(isLive);
  const all = useCell(books);
  const { ownerId } = useCell(book);
  const choose = (id: string) => {
    const chosen = all.find(({ ownerId }) => ownerId === id);
    if (chosen) book.value = chosen;
  };
  return (
    <div class="state">
      {all.length > 1 && (
        <Choice
          label="Address book"
          value={ownerId}
          onValue={choose}
          options={all.map(({ ownerId, name }) => [ownerId, name] as const)}
        />
      )}
      <span role="status" class="live" data-live={live}>
        {live ? "Live" : "Connecting"}
      </span>
      <button onClick={leave}>Log out</button>
    </div>
  );
}

function Inside({ words: [first, ...rest] }: { words: string[] }) {
  // Another address book begins with other pages.
  const { ownerId } = useCell(book);
  const [path, , Found] = pageOf(first);
  return <Found key={`${path} ${ownerId}`} words={rest} />;
}

function Outside({ words: [first, second = ""] }: { words: string[] }) {
  if (first === "signup") return <SignUp />;
  if (first === "verify-email") return <VerifyEmail token={second} />;
  if (first === "reset-password") return <ResetPassword token={second} />;
  return <LogIn />;
}
