import type { Caller } from "./operation.ts";

/** How records name the caller as an owner: by its id, the root user by nothing. */
export function ownerId(caller: Caller): string {
  return caller.kind === "user" && !caller.isRoot ? caller.id : "";
}
