#!/usr/bin/env node
import { processContext } from "./context.ts";
import { run } from "./run.ts";

const code = await run(process.argv.slice(2), processContext());
// Connections that are kept for a next call would keep the process.
process.exit(code);
