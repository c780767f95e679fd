import type { Caller } from "./operation.ts";
import { ANONYMOUS_ID } from "./user-cache.ts";

/** How records name the caller as an owner: by its id, the root user by nothing. */
export function ownerId(caller: Caller): string {
  return caller.kind === "user" && !caller.isRoot ? caller.id : "";
}

/** Whose is what the caller writes, where it is the writer's. */
export function writerId(caller: Caller): string {
  return caller.kind === "anonymous" ? ANONYMOUS_ID : ownerId(caller);
}
