// The fields of a contact that people edit here.
import type { MessageInitShape } from "@bufbuild/protobuf";

import type { Contact, ContactSchema, Date as ContactDate } from "../../gen/addressbook/contacts/v1/contact_pb.js";

export type ContactInit = MessageInitShape<typeof ContactSchema>;

/** Fields with one text. */
export const TEXTS = [
  ["namePrefix", "Prefix"],
  ["givenName", "Given name"],
  ["middleName", "Middle name"],
  ["familyName", "Family name"],
  ["nameSuffix", "Suffix"],
  ["nickname", "Nickname"],
  ["phoneticGivenName", "Given name as pronounced"],
  ["phoneticFamilyName", "Family name as pronounced"],
] as const;

export interface Part {
  name: string;
  title: string;
  keys?: "email" | "tel";
}

/** A field with several values, of which each has parts. */
export interface ListField {
  name: "emails" | "phones" | "organizations" | "addresses" | "urls" | "relations" | "impps";
  title: string;
  one: string;
  parts: Part[];
}

const LABEL: Part = { name: "label", title: "Kind" };

export const LISTS: ListField[] = [
  {
    name: "emails",
    title: "E-mail",
    one: "e-mail",
    parts: [{ name: "address", title: "Address", keys: "email" }, LABEL],
  },
  { name: "phones", title: "Phone", one: "phone", parts: [{ name: "number", title: "Number", keys: "tel" }, LABEL] },
  {
    name: "organizations",
    title: "Organization",
    one: "organization",
    parts: [
      { name: "name", title: "Name" },
      { name: "department", title: "Department" },
      { name: "title", title: "Title" },
    ],
  },
  {
    name: "addresses",
    title: "Address",
    one: "address",
    parts: [
      { name: "street", title: "Street" },
      { name: "postalCode", title: "Postal code" },
      { name: "city", title: "City" },
      { name: "region", title: "Region" },
      { name: "country", title: "Country" },
      LABEL,
    ],
  },
  { name: "urls", title: "Web", one: "web address", parts: [{ name: "url", title: "Address" }, LABEL] },
  { name: "impps", title: "Messenger", one: "messenger", parts: [{ name: "uri", title: "Address" }, LABEL] },
  {
    name: "relations",
    title: "Related people",
    one: "related person",
    parts: [{ name: "name", title: "Name" }, LABEL],
  },
];

/** What the form writes; everything else of the contact stays as it is. */
export const EDITED = [...TEXTS.map(([name]) => name), ...LISTS.map(({ name }) => name), "birthday", "notes", "labels"];

/** `givenName` as `given_name`, as a field mask has it. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The values of a field, each as its parts. */
export function valuesOf(contact: Contact, field: ListField): { parts: string[]; label: string }[] {
  return contact[field.name].map((value) => {
    const texts = value as unknown as Record<string, string>;
    const parts = field.parts.filter(({ name }) => name !== "label").map(({ name }) => texts[name] ?? "");
    return { parts: parts.filter((part) => part !== ""), label: texts["label"] ?? "" };
  });
}

/** Such as "29 February" or "9 December 1906". */
export function dateText({ year, month, day }: ContactDate): string {
  if (month === 0) return String(year);
  // A leap year, in which every day exists.
  const date = new Date(Date.UTC(2000, month - 1, day || 1));
  const options: Intl.DateTimeFormatOptions = { month: "long", timeZone: "UTC" };
  if (day !== 0) options.day = "numeric";
  const text = date.toLocaleDateString([], options);
  return year === 0 ? text : `${text} ${year}`;
}
