// Shows the page in Chromium, and prints what it logs. Usage: browser.js AUTH CONTACTS
import { createReadStream } from "node:fs";
import { createServer } from "node:http";

import { chromium } from "playwright-core";

/** The page's origin is http://localhost:5173, which the services must allow. */
const PORT = 5173;

const [auth = "127.0.0.1:50051", contacts = "127.0.0.1:50052"] = process.argv.slice(2);
const server = createServer(({ url }, response) => {
  if (url === "/page.js") {
    response.setHeader("content-type", "text/javascript");
    createReadStream(new URL("../page.js", import.meta.url)).pipe(response);
  } else {
    response.setHeader("content-type", "text/html");
    response.end('<!doctype html><script type="module" src="page.js"></script>');
  }
});
await new Promise<void>((resolve) => server.listen(PORT, "localhost", resolve));

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
// Root cannot have the sandbox.
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage();
page.on("console", (message) => {
  if (message.type() === "log") console.log(message.text());
});
await page.goto(`http://localhost:${PORT}/?${new URLSearchParams({ auth, contacts })}`);
const succeeded = await page.evaluate(() => (globalThis as unknown as { finished: Promise<boolean> }).finished);
await browser.close();
process.exit(succeeded ? 0 : 1);
