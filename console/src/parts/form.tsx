// Forms that call a service.
import type { ComponentChildren, JSX, TargetedEvent } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

import { describe } from "../errors.js";

interface FieldProps {
  label: string;
  name?: string;
  type?: "text" | "password" | "number";
  autocomplete?: string;
  /** The keyboard of a phone. Inputs of type `email` refuse addresses that the services accept. */
  inputMode?: "email" | "numeric" | "tel" | "text";
  required?: boolean;
  minLength?: number;
  maxLength?: number;
  min?: number;
  max?: number;
  value?: string;
  defaultValue?: string;
  hint?: string;
  onValue?: (value: string) => void;
}

/** An input with its label. */
export function Field({ label, hint, onValue, ...input }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        aria-describedby={hint ? `${id}-hint` : undefined}
        {...(input as JSX.IntrinsicElements["input"])}
        onInput={(event) => onValue?.(event.currentTarget.value)}
      />
      {hint && (
        <small id={`${id}-hint`} class="hint">
          {hint}
        </small>
      )}
    </div>
  );
}

interface ChoiceProps<T extends string | number> {
  label: string;
  name?: string;
  value?: T;
  options: readonly (readonly [value: T, text: string])[];
  onValue?: (value: T) => void;
}

/** One of several values. */
export function Choice<T extends string | number>({ label, name, value, options, onValue }: ChoiceProps<T>) {
  const id = useId();
  const choose = (text: string) => {
    const option = options.find(([value]) => String(value) === text);
    if (option) onValue?.(option[0]);
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} name={name} value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What is wrong; it gets the focus, so that nobody misses it. */
export function Problems({ of: problems }: { of: string[] }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (problems.length > 0) place.current?.focus();
  }, [problems]);
  if (problems.length === 0) return null;
  return (
    <div class="problems" role="alert" tabIndex={-1} ref={place}>
      {problems.map((problem) => (
        <p key={problem}>{problem}</p>
      ))}
    </div>
  );
}

interface FormProps {
  /** Text of the button. */
  action: string;
  /** Calls the service with the values of the inputs, by their names. */
  onSend: (values: Record<string, string>, form: HTMLFormElement) => Promise<void>;
  children?: ComponentChildren;
  /** Other buttons. */
  more?: ComponentChildren;
  class?: string;
}

/** A form that shows what is wrong, and is sent once at a time. */
export function Form({ action, onSend, children, more, class: kind }: FormProps) {
  const [isBusy, setBusy] = useState(false);
  const [problems, setProblems] = useState<string[]>([]);
  const send = async (event: TargetedEvent<HTMLFormElement, SubmitEvent>) => {
    event.preventDefault();
    if (isBusy) return;
    const form = event.currentTarget;
    const texts = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
    setBusy(true);
    setProblems([]);
    try {
      await onSend(Object.fromEntries(texts), form);
    } catch (error) {
      setProblems(describe(error));
    }
    setBusy(false);
  };
  return (
    <form class={kind} onSubmit={send}>
      <Problems of={problems} />
      {children}
      <div class="buttons">
        <button class="primary" aria-disabled={isBusy}>
          {action}
        </button>
        {more}
      </div>
    </form>
  );
}
