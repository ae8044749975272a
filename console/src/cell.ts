// Values that several parts of the page share.
import { useEffect, useState } from "preact/hooks";

/** A value that components follow. */
export class Cell<T> {
  private readonly followers = new Set<() => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set value(next: T) {
    if (next === this.current) return;
    this.current = next;
    for (const follower of this.followers) follower();
  }

  /** Calls back after each change; returns what ends that. */
  follow(follower: () => void): () => void {
    this.followers.add(follower);
    return () => void this.followers.delete(follower);
  }
}

/** The value of a cell; the component is drawn again when it changes. */
export function useCell<T>(cell: Cell<T>): T {
  const [, redraw] = useState({});
  const drawn = cell.value;
  useEffect(() => {
    // It may have changed since it was drawn.
    if (cell.value !== drawn) redraw({});
    return cell.follow(() => redraw({}));
  }, [cell]);
  return drawn;
}
