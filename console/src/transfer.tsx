// Import and export of files.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { useRef, useState } from "preact/hooks";

import {
  ContactsService,
  ExportFormat,
  ImportConflict,
  ImportContactsRequestSchema,
  ImportContactsResponseSchema,
  ImportFormat,
  ImportOutcome,
  type ImportRow,
  type ImportSummary,
} from "../gen/addressbook/contacts/v1/contacts_service_pb.js";
import { book } from "./book.js";
import { contacts, ENDLESS, servers, token } from "./calls.js";
import { useCell } from "./cell.js";
import { describe, isBroken } from "./errors.js";
import { exchange } from "./exchange.js";
import { Choice, Field, Form, Problems } from "./parts/form.js";
import { Page } from "./parts/page.js";

/**
 * A browser reads the response after it has sent the whole file. The rows of larger files may
 * not fit into what the service keeps until then, and it would wait.
 */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

const CHUNK_BYTES = 256 * 1024;

/** How many rows are listed. */
const ROWS_MAX = 200;

const CONFLICTS = [
  [ImportConflict.SKIP, "Keep the contact"],
  [ImportConflict.UPDATE, "Update the contact"],
  [ImportConflict.MERGE, "Merge into the contact"],
  [ImportConflict.DUPLICATE, "Add another contact"],
] as const;

const EXPORTS = [
  [ExportFormat.VCARD_4, "vCard 4", "vcf"],
  [ExportFormat.VCARD_3, "vCard 3", "vcf"],
  [ExportFormat.GOOGLE_CSV, "Google CSV", "csv"],
  [ExportFormat.OUTLOOK_CSV, "Outlook CSV", "csv"],
  [ExportFormat.JSCONTACT, "JSContact", "json"],
  [ExportFormat.JSON_LINES, "JSON lines", "jsonl"],
] as const;

export function Transfer() {
  const { canWrite } = useCell(book);
  return (
    <Page title="Import, export">
      {canWrite && <Import />}
      <Export />
    </Page>
  );
}

interface Options {
  onConflict: ImportConflict;
  label: string;
}

interface Progress {
  name: string;
  /** The part of the file that was sent. */
  sent: number;
  /** The cards that were dealt with. */
  cards: bigint;
  rows: ImportRow[];
  summary?: ImportSummary;
  problems: string[];
}

async function importFile(file: File, { onConflict, label }: Options, onProgress: (change: Partial<Progress>) => void) {
  const header = {
    format: ImportFormat.UNSPECIFIED,
    onConflict,
    importId: crypto.randomUUID(),
    labels: label === "" ? [] : [label],
    ownerId: book.value.ownerId,
  };
  const bytes = new Uint8Array(await file.arrayBuffer());
  const parts = [create(ImportContactsRequestSchema, { part: { case: "header", value: header } })];
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
    const value = bytes.subarray(from, from + CHUNK_BYTES);
    parts.push(create(ImportContactsRequestSchema, { part: { case: "chunk", value } }));
  }
  const rows: ImportRow[] = [];
  await exchange({
    url: `${servers.contacts}/${ContactsService.typeName}/${ContactsService.method.importContacts.name}`,
    form: "proto",
    token: await token(),
    messages: parts.map((part) => toBinary(ImportContactsRequestSchema, part)),
    onSent: (sent) => onProgress({ sent }),
    onMessage: (message) => {
      const { event } = fromBinary(ImportContactsResponseSchema, message);
      if (event.case === "row" && rows.length < ROWS_MAX) rows.push(event.value);
      if (event.case === "progress") onProgress({ cards: event.value.rows, rows: [...rows] });
      if (event.case === "summary") onProgress({ summary: event.value, rows: [...rows] });
    },
  });
}

function Import() {
  const [onConflict, setOnConflict] = useState<ImportConflict>(ImportConflict.SKIP);
  const [label, setLabel] = useState("");
  const [files, setFiles] = useState<Progress[]>([]);
  const [isOver, setOver] = useState(false);
  const isBusy = useRef(false);
  const input = useRef<HTMLInputElement>(null);

  const take = async (chosen: File[]) => {
    if (isBusy.current) return;
    isBusy.current = true;
    setFiles(chosen.map(({ name }) => ({ name, sent: 0, cards: 0n, rows: [], problems: [] })));
    for (const [at, file] of chosen.entries()) {
      const change = (change: Partial<Progress>) =>
        setFiles((files) => files.map((old, index) => (index === at ? { ...old, ...change } : old)));
      try {
        if (file.size > FILE_BYTES_MAX) throw new RangeError();
        await importFile(file, { onConflict, label: label.trim() }, change);
      } catch (error) {
        const instead = "The command line has no such limit: addressbook import";
        const why = error instanceof RangeError ? ["The file has more than 16 MiB."] : describe(error);
        change({ problems: error instanceof RangeError || isBroken(error) ? [...why, instead] : why });
      }
    }
    isBusy.current = false;
    if (input.current) input.current.value = "";
  };
  return (
    <>
      <h2>Import</h2>
      <div
        class="drop"
        data-over={isOver}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void take([...(event.dataTransfer?.files ?? [])]);
        }}
      >
        <p>Drop files here: vCard, CSV of Google or Outlook, JSContact, JSON lines.</p>
        <label class="field">
          Or choose them
          <input
            ref={input}
            type="file"
            multiple
            onChange={(event) => void take([...(event.currentTarget.files ?? [])])}
          />
        </label>
      </div>
      <div class="line">
        <Choice
          label="If the contact is there already"
          value={onConflict}
          onValue={setOnConflict}
          options={CONFLICTS}
        />
        <Field label="Label for all" value={label} onValue={setLabel} maxLength={100} />
      </div>
      {files.map((file, at) => (
        <Result key={at} of={file} />
      ))}
    </>
  );
}

function Result({ of: { name, sent, cards, rows, summary, problems } }: { of: Progress }) {
  const failed = problems.length > 0;
  return (
    <section class="group" aria-label={`Import of ${name}`}>
      <h3 dir="auto">{name}</h3>
      <Problems of={problems} />
      {!summary && !failed && (
        <>
          <progress aria-label={`How much of ${name} was sent`} value={sent} max={1} />
          <p class="hint">{sent < 1 ? `${Math.round(sent * 100)} % sent` : `${cards} cards done`}</p>
        </>
      )}
      <p role="status">
        {summary &&
          `${summary.created} created, ${summary.updated} updated, ${summary.skipped} skipped, ${summary.failed} refused.`}
      </p>
      {rows.length > 0 && (
        <table>
          <caption>Cards that were not stored as they are in the file</caption>
          <thead>
            <tr>
              <th scope="col">Line</th>
              <th scope="col">Result</th>
              <th scope="col">Why</th>
              <th scope="col">Card</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={String(row.index)}>
                <td>{String(row.line)}</td>
                <td>{ImportOutcome[row.outcome]?.toLowerCase()}</td>
                <td dir="auto">{[row.status?.message, ...row.warnings].filter(Boolean).join("; ")}</td>
                <td dir="auto">{row.excerpt}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Export() {
  const [status, setStatus] = useState("");
  const save = async (values: Record<string, string>) => {
    const [format, , ending] = EXPORTS.find(([value]) => value === Number(values["format"])) ?? EXPORTS[0];
    const includePhotos = values["photos"] !== undefined && ending !== "csv";
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    const request = { format, includePhotos, ownerId: book.value.ownerId };
    for await (const { chunk, contactCount, totalCount } of contacts.exportContacts(request, ENDLESS)) {
      chunks.push(chunk as Uint8Array<ArrayBuffer>);
      setStatus(`${contactCount} of ${totalCount} contacts`);
    }
    const url = URL.createObjectURL(new Blob(chunks, { type: "application/octet-stream" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `contacts.${ending}`;
    link.click();
    // The browser has begun to read it.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  return (
    <>
      <h2>Export</h2>
      <Form action="Download" onSend={save}>
        <Choice label="Format" name="format" options={EXPORTS.map(([value, text]) => [value, text] as const)} />
        <label class="check">
          <input type="checkbox" name="photos" /> With photos (not in CSV)
        </label>
        <p role="status">{status}</p>
      </Form>
    </>
  );
}
