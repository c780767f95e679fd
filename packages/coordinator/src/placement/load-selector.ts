import { createRequire } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { CairnError } from "@cairnfs/base/errors";
import { capacityWeighted } from "./capacity-weighted.ts";
import { checkedSelector } from "./checked-selector.ts";
import { firstHealthy } from "./first-healthy.ts";
import { rendezvous } from "./rendezvous.ts";
import type { NodeSelector } from "./selector.ts";

const BUILT_IN: readonly NodeSelector[] = [capacityWeighted, firstHealthy, rendezvous];
const MODULE_PREFIX = "module:";

/**
 * The selector that the configuration names: one of ours, or "module:" followed by a path or a package whose export
 * `selector` is a NodeSelector. Relative paths and packages are looked for from `folder`. What
 * cannot be had is `invalidConfig`.
 */
export async function loadSelector(setting: string, folder: string): Promise<NodeSelector> {
  if (setting.startsWith(MODULE_PREFIX)) {
    return loadModule(setting.slice(MODULE_PREFIX.length), folder);
  }
  const found = BUILT_IN.find((selector) => selector.name === setting);
  if (found !== undefined) return found;
  const names = BUILT_IN.map((selector) => selector.name).join(", ");
  throw new CairnError(
    "invalidConfig",
    `placement is "${setting}": expected one of ${names}, or module:<path or package>`,
  );
}

async function loadModule(specifier: string, folder: string): Promise<NodeSelector> {
  let loaded: { readonly selector?: unknown };
  try {
    loaded = await import(locate(specifier, folder));
  } catch (cause) {
    // Whatever a user's module throws while it loads is a fault of the setting.
    throw new CairnError("invalidConfig", `the placement module ${specifier} does not load`, {
      cause,
    });
  }
  if (!isSelector(loaded.selector)) {
    throw new CairnError(
      "invalidConfig",
      `the placement module ${specifier} lacks an export "selector" with a name and a select function`,
    );
  }
  return checkedSelector(loaded.selector, specifier);
}

function locate(specifier: string, folder: string): string {
  if (isAbsolute(specifier) || specifier.startsWith(".")) {
    return pathToFileURL(resolve(folder, specifier)).href;
  }
  try {
    return pathToFileURL(createRequire(join(folder, "here.js")).resolve(specifier)).href;
  } catch {
    // Packages that offer only `import` are not found this way: the loader looks from our own folder.
    return specifier;
  }
}

function isSelector(value: unknown): value is NodeSelector {
  return (
    typeof value === "object" &&
    value !== null &&
    "name" in value &&
    typeof value.name === "string" &&
    "select" in value &&
    typeof value.select === "function"
  );
}
