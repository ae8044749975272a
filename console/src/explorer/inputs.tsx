// Inputs for a message that is known only by its descriptor. The value is its JSON.
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { useId } from "preact/hooks";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

/** Deeper messages are written as JSON. */
const DEPTH_MAX = 4;

interface MessageProps {
  message: DescMessage;
  value: JsonObject;
  onValue: (value: JsonObject) => void;
  depth?: number;
}

export function MessageInputs({ message, value, onValue, depth = 0 }: MessageProps) {
  const set = (name: string, next: Json | undefined) => {
    const { [name]: _, ...others } = value;
    onValue(next === undefined ? others : { ...others, [name]: next });
  };
  if (message.fields.length === 0) return <p class="hint">It has no fields.</p>;
  return (
    <>
      {message.fields.map((field) => (
        <FieldInput
          key={field.name}
          field={field}
          value={value[field.jsonName]}
          onValue={(next) => set(field.jsonName, next)}
          depth={depth}
        />
      ))}
    </>
  );
}

interface FieldProps {
  field: DescField;
  value: Json | undefined;
  onValue: (value: Json | undefined) => void;
  depth: number;
}

function FieldInput({ field, value, onValue, depth }: FieldProps) {
  if (field.fieldKind === "list") return <ListInput field={field} value={value} onValue={onValue} depth={depth} />;
  if (field.fieldKind === "message" && !isText(field.message) && depth < DEPTH_MAX) {
    const object = value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
    return (
      <details>
        <summary>{field.jsonName}</summary>
        <MessageInputs message={field.message} value={object} onValue={onValue} depth={depth + 1} />
      </details>
    );
  }
  return <OneInput name={field.jsonName} field={field} value={value} onValue={onValue} />;
}

/** Whether the JSON of a message is a text. */
function isText({ typeName }: DescMessage): boolean {
  return ["Timestamp", "Duration", "FieldMask"].some((name) => typeName === `google.protobuf.${name}`);
}

function ListInput({ field, value, onValue, depth }: FieldProps & { field: DescField & { fieldKind: "list" } }) {
  const items = Array.isArray(value) ? value : [];
  const set = (at: number, next: Json | undefined) => {
    const changed = items.flatMap((item, index) => (index === at ? (next === undefined ? [] : [next]) : [item]));
    onValue(changed.length > 0 ? changed : undefined);
  };
  const isObject = field.listKind === "message" && !isText(field.message) && depth < DEPTH_MAX;
  return (
    <fieldset>
      <legend>{field.jsonName}</legend>
      {items.map((item, at) => (
        <div class="value" key={at}>
          {isObject ? (
            <MessageInputs
              message={field.message}
              value={item !== null && typeof item === "object" && !Array.isArray(item) ? item : {}}
              onValue={(next) => set(at, next)}
              depth={depth + 1}
            />
          ) : (
            <OneInput
              name={`${field.jsonName} ${at + 1}`}
              field={field}
              value={item}
              onValue={(next) => set(at, next ?? "")}
            />
          )}
          <button type="button" aria-label={`Remove ${field.jsonName} ${at + 1}`} onClick={() => set(at, undefined)}>
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        aria-label={`Add ${field.jsonName}`}
        onClick={() => onValue([...items, isObject ? {} : ""])}
      >
        Add
      </button>
    </fieldset>
  );
}

const NUMBERS = [ScalarType.INT32, ScalarType.UINT32, ScalarType.SINT32, ScalarType.FLOAT, ScalarType.DOUBLE];

interface OneProps {
  name: string;
  field: DescField;
  value: Json | undefined;
  onValue: (value: Json | undefined) => void;
}

function OneInput({ name, field, value, onValue }: OneProps) {
  const id = useId();
  if (field.enum) {
    return (
      <div class="field">
        <label for={id}>{name}</label>
        <select
          id={id}
          value={String(value ?? "")}
          onChange={(event) => onValue(event.currentTarget.value || undefined)}
        >
          <option value="">-</option>
          {field.enum.values.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
    );
  }
  if (field.scalar === ScalarType.BOOL) {
    return (
      <label class="check">
        <input
          type="checkbox"
          checked={value === true}
          onChange={(event) => onValue(event.currentTarget.checked || undefined)}
        />
        {name}
      </label>
    );
  }
  const isJson = field.fieldKind === "map" || (field.fieldKind === "message" && !isText(field.message));
  const isNumber = NUMBERS.includes(field.scalar ?? ScalarType.STRING);
  const read = (text: string): Json | undefined => {
    if (text === "") return undefined;
    if (isNumber && !Number.isNaN(Number(text))) return Number(text);
    if (!isJson) return text;
    try {
      return JSON.parse(text) as Json;
    } catch {
      return text;
    }
  };
  const shown = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
  return (
    <div class="field">
      <label for={id}>{name}</label>
      <input
        id={id}
        {...(name.toLowerCase().includes("password") ? { type: "password" } : { type: "text" })}
        autocomplete="off"
        placeholder={isJson ? "JSON" : undefined}
        value={shown}
        onInput={(event) => onValue(read(event.currentTarget.value))}
      />
    </div>
  );
}
