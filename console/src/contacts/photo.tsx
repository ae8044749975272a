// The photo of a contact.
import { create, toBinary } from "@bufbuild/protobuf";
import { useEffect, useRef, useState } from "preact/hooks";

import type { Contact } from "../../gen/addressbook/contacts/v1/contact_pb.js";
import { ContactsService, SetPhotoRequestSchema } from "../../gen/addressbook/contacts/v1/contacts_service_pb.js";
import { book } from "../book.js";
import { contacts, servers, token } from "../calls.js";
import { useCell } from "../cell.js";
import { exchange } from "../exchange.js";
import { attempt, say } from "../parts/notice.js";

/** Types that a browser draws and does not run; the service has looked at the bytes. */
const TYPES = ["image/jpeg", "image/png", "image/webp"];

const CHUNK_BYTES = 64 * 1024;

async function load(id: string, ownerId: string, signal: AbortSignal): Promise<Blob | undefined> {
  let type = "";
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const { part } of contacts.getPhoto({ id, ownerId }, { signal })) {
    if (part.case === "info") type = part.value.mediaType;
    if (part.case === "chunk") chunks.push(part.value as Uint8Array<ArrayBuffer>);
  }
  return TYPES.includes(type) ? new Blob(chunks, { type }) : undefined;
}

export function Photo({ id, etag, name }: { id: string; etag: string; name: string }) {
  const { ownerId } = useCell(book);
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const controller = new AbortController();
    let made: string | undefined;
    load(id, ownerId, controller.signal).then(
      (photo) => {
        if (controller.signal.aborted || !photo) return;
        made = URL.createObjectURL(photo);
        setUrl(made);
      },
      () => undefined,
    );
    return () => {
      controller.abort();
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [id, ownerId, etag]);
  return url === undefined ? <span class="photo" /> : <img class="photo" src={url} alt={`Photo of ${name}`} />;
}

async function send(id: string, etag: string, ownerId: string, file: File): Promise<void> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const parts = [create(SetPhotoRequestSchema, { part: { case: "header", value: { id, etag, ownerId } } })];
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
    const value = bytes.subarray(from, from + CHUNK_BYTES);
    parts.push(create(SetPhotoRequestSchema, { part: { case: "chunk", value } }));
  }
  await exchange({
    url: `${servers.contacts}/${ContactsService.typeName}/${ContactsService.method.setPhoto.name}`,
    form: "proto",
    token: await token(),
    messages: parts.map((part) => toBinary(SetPhotoRequestSchema, part)),
    onMessage: () => undefined,
  });
}

export function PhotoButtons({ contact, again }: { contact: Contact; again: () => void }) {
  const { id, etag, photo } = contact;
  const { ownerId } = useCell(book);
  const input = useRef<HTMLInputElement>(null);
  const choose = attempt(async () => {
    const file = input.current?.files?.[0];
    if (!file) return;
    await send(id, etag, ownerId, file);
    if (input.current) input.current.value = "";
    again();
  });
  const remove = attempt(async () => {
    await contacts.deletePhoto({ id, etag, ownerId });
    again();
    say("The photo is removed.");
  });
  return (
    <>
      <input
        ref={input}
        class="visually-hidden"
        type="file"
        tabIndex={-1}
        aria-hidden="true"
        accept={TYPES.join(",")}
        onChange={choose}
      />
      <button onClick={() => input.current?.click()}>{photo ? "Change the photo" : "Add a photo"}</button>
      {photo && <button onClick={remove}>Remove the photo</button>}
    </>
  );
}
