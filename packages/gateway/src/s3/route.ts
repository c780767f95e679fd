import { S3Error } from "./errors.ts";
import type { Operation, OperationLevel, RawRequest } from "./operation.ts";

/** Subresources that S3 has: a request for one that no row of the table serves is never taken for one without. */
const SUBRESOURCES: ReadonlySet<string> = new Set([
  "abac",
  "accelerate",
  "acl",
  "analytics",
  "annotation",
  "attributes",
  "cors",
  "delete",
  "encryption",
  "intelligent-tiering",
  "inventory",
  "legal-hold",
  "lifecycle",
  "location",
  "logging",
  "metadataConfiguration",
  "metadataInventoryTable",
  "metadataJournalTable",
  "metadataTable",
  "metrics",
  "notification",
  "object-lock",
  "ownershipControls",
  "policy",
  "policyStatus",
  "publicAccessBlock",
  "renameObject",
  "replication",
  "requestPayment",
  "restore",
  "retention",
  "select",
  "session",
  "tagging",
  "torrent",
  "uploadId",
  "uploads",
  "versioning",
  "versions",
  "website",
]);

/** Whether a parameter of this name makes another request of one. */
export function isSubresource(name: string): boolean {
  return SUBRESOURCES.has(name);
}

interface Row {
  readonly operation: Operation;
  readonly markers: readonly (readonly [name: string, value: string | undefined])[];
  /** How much a request must have for this row. */
  readonly weight: number;
}

/** Finds the operation that a request asks for. */
export class Router {
  readonly #rows = new Map<string, Row[]>();

  constructor(operations: readonly Operation[]) {
    for (const operation of operations) {
      const name = `${operation.level} ${operation.method}`;
      const rows = this.#rows.get(name) ?? [];
      rows.push(rowOf(operation));
      rows.sort((one, other) => other.weight - one.weight);
      this.#rows.set(name, rows);
    }
  }

  /** `MethodNotAllowed` for a method that is not for this resource, `NotImplemented` for what S3 has and this gateway does not. */
  find(request: Pick<RawRequest, "method" | "bucket" | "key" | "query" | "headers">): Operation {
    const level = levelOf(request);
    const rows = this.#rows.get(`${level} ${request.method}`) ?? [];
    const asked = subresourceOf(request.query);
    for (const { operation, markers } of rows) {
      if (operation.header !== undefined && request.headers[operation.header] === undefined)
        continue;
      if (!markers.every(([name, value]) => isMarked(request.query, name, value))) continue;
      if (asked !== undefined && !markers.some(([name]) => name === asked)) continue;
      return operation;
    }
    if (asked !== undefined && !this.#isServed(level, asked)) throw new S3Error("NotImplemented");
    throw new S3Error("MethodNotAllowed", {
      details: { Method: request.method, ResourceType: asked ?? level.toUpperCase() },
    });
  }

  #isServed(level: OperationLevel, subresource: string): boolean {
    for (const [name, rows] of this.#rows) {
      if (!name.startsWith(`${level} `)) continue;
      if (rows.some((row) => row.markers.some(([marker]) => marker === subresource))) return true;
    }
    return false;
  }
}

/** What a request is about. */
function levelOf({ bucket, key }: Pick<RawRequest, "bucket" | "key">): OperationLevel {
  if (bucket === "") return "service";
  return key === "" ? "bucket" : "object";
}

function rowOf(operation: Operation): Row {
  const markers = (operation.query ?? "")
    .split("&")
    .filter((marker) => marker !== "")
    .map((marker) => {
      const [name = "", value] = marker.split("=");
      return [name, value] as const;
    });
  const values = markers.filter(([, value]) => value !== undefined).length;
  const weight = 4 * markers.length + 2 * values + (operation.header === undefined ? 0 : 1);
  return { operation, markers, weight };
}

function isMarked(
  query: ReadonlyMap<string, string>,
  name: string,
  value: string | undefined,
): boolean {
  const given = query.get(name);
  return given !== undefined && (value === undefined || given === value);
}

function subresourceOf(query: ReadonlyMap<string, string>): string | undefined {
  for (const name of query.keys()) if (SUBRESOURCES.has(name)) return name;
  return undefined;
}
