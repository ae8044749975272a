// A browser for the test: pages that report every problem, and checks of what they show.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** On a busy machine. */
const PATIENCE_MS = 30_000;

/** What went wrong in any page. */
export const problems = [];

export function launch() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  // Root cannot have the sandbox.
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** Another window, with a session of its own. */
export async function open(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, locale: "en-GB" });
  context.setDefaultTimeout(PATIENCE_MS);
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      console.error(`the policy forbids ${violatedDirective} ${blockedURI}`),
    );
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(`uncaught: ${error.message}`));
  page.on("dialog", (dialog) => dialog.accept());
  page.on("console", (message) => {
    // The browser reports every error of a service so, also expected ones.
    const isAnswer = message.text().startsWith("Failed to load resource: the server responded");
    if (message.type() === "error" && !isAnswer) problems.push(message.text());
  });
  await page.goto(url);
  return page;
}

/** Fails if a page has what people with disabilities cannot use, in either colour scheme. */
export async function checkAccess(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    // Only the colours differ.
    const runOnly = colorScheme === "dark" ? `runOnly: ["color-contrast"],` : "";
    const violations = await page.evaluate(
      // The browser runs it in spite of the page's policy.
      `${AXE}; axe.run(document, { ${runOnly} resultTypes: ["violations"] }).then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 120)).join(" | ")))`,
    );
    for (const violation of violations) problems.push(`${name}, ${colorScheme}: ${violation}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** Fails if a page is wider than a phone. */
export async function checkPhone(page, name) {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  if (width > 360) problems.push(`${name} is ${width} pixels wide on a phone`);
  await page.setViewportSize(size);
}

/** Begins to count the rows and the long tasks of a page; the result ends that. */
export async function observe(page) {
  await page.evaluate(() => {
    globalThis.observed = { mostRows: 0, tasks: [] };
    const look = () => {
      const rows = document.querySelectorAll(".rows li").length;
      observed.mostRows = Math.max(observed.mostRows, rows);
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
    const note = (list) => observed.tasks.push(...list.getEntries().map(({ duration }) => Math.round(duration)));
    new PerformanceObserver(note).observe({ type: "longtask" });
    look();
  });
  return () => page.evaluate(() => observed);
}
