// A message above the page, which can offer to undo what was done.
import { user } from "../calls.js";
import { Cell, useCell } from "../cell.js";
import { describe } from "../errors.js";

interface Notice {
  text: string;
  undo?: () => Promise<void>;
}

const notice = new Cell<Notice | undefined>(undefined);

// The next user must not see what the last one did.
user.follow(() => {
  if (user.value === undefined) notice.value = undefined;
});

/** Shows a message until the next one. */
export function say(text: string, undo?: () => Promise<void>): void {
  notice.value = undo ? { text, undo } : { text };
}

/** Shows what is wrong. */
export function sayError(error: unknown): void {
  say(describe(error).join(" "));
}

/** Runs what a button does, and shows what is wrong. */
export function attempt(work: () => Promise<void>): () => void {
  return () => void work().catch(sayError);
}

/** The place of the message. */
export function NoticePlace() {
  const shown = useCell(notice);
  const undo = shown?.undo;
  const undoIt = attempt(async () => {
    notice.value = undefined;
    await undo?.();
    say("Undone.");
  });
  return (
    <div class="notice" role="status" data-shown={shown !== undefined}>
      {shown && <span>{shown.text}</span>}
      {undo && <button onClick={undoIt}>Undo</button>}
      {shown && (
        <button class="quiet" aria-label="Close the message" onClick={() => (notice.value = undefined)}>
          ✕
        </button>
      )}
    </div>
  );
}
