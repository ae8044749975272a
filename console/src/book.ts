// The address book that is shown: the user's own, or one that is shared with the user.
import { ShareRole } from "../gen/addressbook/contacts/v1/shares_service_pb.js";
import { shares } from "./calls.js";
import { Cell } from "./cell.js";

export interface Book {
  /** The field of requests; empty for the user's own. */
  ownerId: string;
  name: string;
  canWrite: boolean;
}

const OWN: Book = { ownerId: "", name: "My contacts", canWrite: true };

/** The address book that is shown. */
export const book = new Cell<Book>(OWN);

/** All that the user can read. */
export const books = new Cell<Book[]>([OWN]);

/** Shows the own address book again. */
export function reset(): void {
  books.value = [OWN];
  book.value = OWN;
}

/** Looks up what is shared with the user. Several shares of one owner are one book. */
export async function loadBooks(): Promise<void> {
  const { shares: received } = await shares.listSharedWithMe({ pageSize: 100 });
  const found = new Map<string, Book>();
  for (const share of received.filter((share) => share.acceptTime)) {
    const canWrite = share.role === ShareRole.EDITOR || found.get(share.ownerId)?.canWrite === true;
    found.set(share.ownerId, { ownerId: share.ownerId, name: share.ownerEmail, canWrite });
  }
  books.value = [OWN, ...found.values()];
  if (!books.value.some(({ ownerId }) => ownerId === book.value.ownerId)) book.value = OWN;
}
