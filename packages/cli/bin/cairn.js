#!/usr/bin/env node
// There before the build, so that npm can link the command when it installs.
import { existsSync } from "node:fs";

const main = new URL("../dist/main.js", import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  console.error("cairn: not built yet\n       npm run build");
  process.exitCode = 1;
}
