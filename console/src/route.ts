// Which page is shown: the part of the address after `#`.
import { Cell } from "./cell.js";

/** The words of the path: `#/contacts/new` is `["contacts", "new"]`. */
export const route = new Cell(linked() ?? words());

function words(): string[] {
  return location.hash
    .replace(/^#\/?/, "")
    .split("/")
    .filter((word) => word !== "")
    .map(decodeURIComponent);
}

/** A link in a mail, `/verify-email#token=...`. The token leaves the address, and so the history. */
function linked(): string[] | undefined {
  const page = /\/(verify-email|reset-password)$/.exec(location.pathname)?.[1];
  if (page === undefined) return undefined;
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  history.replaceState(null, "", "./");
  return [page, token];
}

addEventListener("hashchange", () => (route.value = words()));

/** Shows another page. */
export function go(path: string): void {
  location.hash = `#/${path}`;
}
