// Makes the picture of the README. Usage: node picture.mjs URL EMAIL PASSWORD FILE, with the
// demo user that `cargo dev --ephemeral --seed 200` prints.
import { launch, open } from "./browser.mjs";

const [url, email, password, path] = process.argv.slice(2);
const browser = await launch();
const page = await open(browser, url);
await page.setViewportSize({ width: 1120, height: 640 });
await page.getByLabel("E-mail").fill(email);
await page.getByLabel("Password").fill(password);
await page.getByRole("button", { name: "Log in" }).click();
await page.locator(".rows a").nth(0).click();
await page.locator("dl").waitFor();
await page.screenshot({ path });
await browser.close();
