import type { Operation } from "./operation.ts";

/** Everything that the gateway can do. */
export const OPERATIONS: readonly Operation[] = [];
