// Data of a service in a component.
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";

import { describe, isAborted } from "../errors.js";

export interface Loaded<T> {
  value: T | undefined;
  problems: string[];
  /** Loads again; what was loaded is shown meanwhile. */
  again: () => void;
}

/** Loads, and again when one of `causes` changes. What comes too late is ignored. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, causes: unknown[]): Loaded<T> {
  const [round, setRound] = useState(0);
  const [state, setState] = useState<{ value?: T; problems: string[] }>({ problems: [] });
  useEffect(() => {
    const controller = new AbortController();
    load(controller.signal).then(
      (value) => {
        if (!controller.signal.aborted) setState({ value, problems: [] });
      },
      (error: unknown) => {
        if (!controller.signal.aborted && !isAborted(error)) setState({ problems: describe(error) });
      },
    );
    return () => controller.abort();
  }, [...causes, round]);
  const again = useCallback(() => setRound((round) => round + 1), []);
  return { value: state.value, problems: state.problems, again };
}

interface ShowProps<T> {
  of: Loaded<T>;
  children: (value: T) => ComponentChildren;
}

/** What was loaded, or why it was not. */
export function Show<T>({ of: { value, problems, again }, children }: ShowProps<T>) {
  if (problems.length > 0) {
    return (
      <div class="problems" role="alert">
        {problems.map((problem) => (
          <p key={problem}>{problem}</p>
        ))}
        <button onClick={again}>Try again</button>
      </div>
    );
  }
  if (value === undefined) return <p class="hint">Loading…</p>;
  return <>{children(value)}</>;
}
