// Lists the packages that are in the built files, with their licences.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { Plugin } from "vite";

/** Such as `@bufbuild/protobuf`, from the path of a module. */
const PACKAGE = /node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** A file that has a licence of its own begins with its text. */
const OWN_LICENCE = /^(?:\/\/.*\n)*\/\/ Redistribution and use(?:.*\n)(?:\/\/.*\n)*/m;

const HEAD = "The console contains code of these packages.\n";

/** The text of packages that do not contain it. */
const APACHE = "Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0";

function licence(folder: string, name: string): string {
  const file = `${folder}LICENSE`;
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  if (name.includes("Apache-2.0")) return APACHE;
  throw new Error(`${folder} has no text of its licence, ${name}`);
}

function entry(name: string, modules: string[]): string {
  const folder = fileURLToPath(new URL(`node_modules/${name}/`, import.meta.url));
  const { version, license } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
  const own = modules.flatMap(
    (path) => OWN_LICENCE.exec(readFileSync(path, "utf8"))?.[0].replace(/^\/\/ ?/gm, "") ?? [],
  );
  return [`${name} ${version}, ${license}`, licence(folder, license), ...new Set(own)].join("\n\n").trim() + "\n";
}

export function notice(): Plugin {
  return {
    name: "notice",
    generateBundle() {
      const packages = new Map<string, string[]>();
      for (const path of [...this.getModuleIds()].sort()) {
        const name = PACKAGE.exec(path)?.[1];
        if (name !== undefined) packages.set(name, [...(packages.get(name) ?? []), path]);
      }
      const entries = [...packages].map(([name, modules]) => entry(name, modules));
      this.emitFile({ type: "asset", fileName: "NOTICE.txt", source: [HEAD, ...entries].join("\n---\n\n") });
    },
  };
}
