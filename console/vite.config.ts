import { defineConfig } from "vite";

import { notice } from "./notice.js";

export default defineConfig({
  // Where the auth service serves the files.
  base: "/console/",
  plugins: [notice()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    // Those that have `light-dark()` and what else the style sheet uses.
    target: ["chrome123", "firefox120", "safari17.5"],
    // The policy of the page allows neither inline code nor `data:`.
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
  },
});
