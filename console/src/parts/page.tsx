// The frame of a page.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface PageProps {
  title: string;
  children: ComponentChildren;
  /** Buttons beside the heading. */
  tools?: ComponentChildren;
}

/** A page with its heading, which gets the focus so that a screen reader announces it. */
export function Page({ title, children, tools }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} - Address book`;
  }, [title]);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <section class="page">
      <div class="heading">
        <h1 tabIndex={-1} ref={heading}>
          {title}
        </h1>
        {tools}
      </div>
      {children}
    </section>
  );
}

/** A time as people write it here. */
export function when(time: { seconds: bigint } | undefined): string {
  if (!time) return "";
  return new Date(Number(time.seconds) * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}
