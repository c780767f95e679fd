import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DescField, DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, Reason } from "../packages/base/src/errors.ts";
import { EXIT_BY_STATUS, ExitCode } from "../packages/cli/src/exit-codes.ts";
import {
  coordinatorProcessSettings,
  datanodeProcessSettings,
  gatewayProcessSettings,
} from "../packages/cli/src/server/settings.ts";
import { USER_SETTINGS } from "../packages/cli/src/user-config.ts";
import { referenceTable } from "../packages/config/src/reference.ts";
import { REQUEST_HEADERS } from "../packages/gateway/src/s3/header-register.ts";
import {
  OPERATION_NOTES,
  REFUSED_OPERATIONS,
} from "../packages/gateway/src/s3/operation-register.ts";
import { OPERATIONS } from "../packages/gateway/src/s3/operations.ts";
import { METRICS } from "../packages/observability/src/metric-names.ts";
import { AccessService } from "../packages/protocol/src/gen/cairn/v1/access_pb.ts";
import { CheckService } from "../packages/protocol/src/gen/cairn/v1/check_pb.ts";
import { CoordinatorService } from "../packages/protocol/src/gen/cairn/v1/coordinator_pb.ts";
import { DataNodeService } from "../packages/protocol/src/gen/cairn/v1/datanode_pb.ts";
import { NodeService } from "../packages/protocol/src/gen/cairn/v1/nodes_pb.ts";
import { RedundancyService } from "../packages/protocol/src/gen/cairn/v1/redundancy_pb.ts";
import { ScrubService } from "../packages/protocol/src/gen/cairn/v1/scrub_pb.ts";
import { TrashService } from "../packages/protocol/src/gen/cairn/v1/trash_pb.ts";
import { repeatable } from "../packages/protocol/src/rpc/retry.ts";

/** Writes docs/reference from the code's own tables. */
const NOTE = "<!-- Made by scripts/reference.ts (npm run gen). Change the code, not this page. -->";
const PROTO = "packages/protocol/proto/cairn/v1";

write("config.md", configPage());
write("errors.md", errorsPage());
write("exit-codes.md", exitCodesPage());
write("metrics.md", metricsPage());
write("rpc.md", rpcPage());
write("s3.md", s3Page());

function write(name: string, text: string): void {
  writeFileSync(join("docs", "reference", name), `${NOTE}\n\n${text.trim()}\n`);
}

function configPage(): string {
  const user = Object.entries(USER_SETTINGS).map(([name, meaning]) => [
    `\`${name}\``,
    `\`CAIRN_${name.toUpperCase()}\``,
    `\`--${name}\``,
    meaning,
  ]);
  return `
# Settings

Servers take settings from four places; the later wins: defaults, a YAML file (\`--config FILE\` or \`CAIRN_CONFIG\`), variables of the environment, flags.
Unknown names and values that a setting cannot take are refused at the start, with the place they came from and what was expected.

Sizes are written \`64KiB\`, \`8MiB\`, \`1.5GB\` or as a number of bytes; durations \`500ms\`, \`10s\`, \`1h30m\` or as a number of milliseconds; lists \`a,b\` in variables and flags.

## cairn coordinator

${referenceTable(coordinatorProcessSettings)}

## cairn datanode

${referenceTable(datanodeProcessSettings)}

## cairn gateway

${referenceTable(gatewayProcessSettings)}

## The command itself

Saved by \`cairn config set\` in \`~/.config/cairn/config.yaml\` (\`$XDG_CONFIG_HOME\`). A cluster that runs out of \`./.cairn\` comes before what was saved; the variable and the flag before both.

${table(["Name", "Environment", "Flag", "Meaning"], user)}
`;
}

function s3Page(): string {
  const served = new Map(OPERATIONS.map(({ name, action }) => [name, action]));
  const rows = [
    ...[...served].map(([name, action]) => [
      name,
      "supported",
      action
        .split(" ")
        .map((one) => `\`s3:${one}\``)
        .join(", "),
      OPERATION_NOTES[name] ?? "",
    ]),
    ...Object.entries(REFUSED_OPERATIONS).map(([name, why]) => [name, "refused", "", why]),
  ].sort(([one = ""], [other = ""]) => (one < other ? -1 : 1));
  return `
# S3

What the gateway (\`cairn gateway\`) does of S3: every operation and every header of requests with its state. *Supported*: as AWS documents it, but for what the note says. *Refused*: operations with
NotImplemented (501), headers with the error of the note. *Ignored*: as AWS ignores it, or because it says nothing here.

Requests are of the path style (\`/bucket/key\`) or, with the setting \`domains\`, of the virtual-hosted style. Parameters of queries are those that AWS documents for the operation.
Requests with a subresource that is not below are NotImplemented, other methods MethodNotAllowed.

## Operations

The permission is what policies of users and buckets are asked for; for versions that are named, the one of versions (\`s3:GetObjectVersion\`). Writing with tags, an ACL, a retention or a hold needs their permissions too, and copying
\`s3:GetObject\` on the source.

${table(["Operation", "State", "Permission", "Note"], rows)}

## Headers of requests

${table(
  ["Header", "State", "Note"],
  REQUEST_HEADERS.map(({ name, state, note }) => [`\`${name}\``, state, note]),
)}
`;
}

function errorsPage(): string {
  const codes = new Map(Object.entries(Code).map(([name, code]) => [code, name]));
  return `
# Errors

Every failure carries a reason. Programs decide by it, never by the text. On the wire it travels as a gRPC status with the reason and its details.
\`other-replica\` and \`after-pause\` say who may try again; a call must be safe to repeat as well.

${table(
  ["Reason", "gRPC status", "Try again", "Meaning"],
  Object.entries(Reason).map(([reason, row]) => [
    `\`${reason}\``,
    `${codes.get(row.code)} (${row.code})`,
    row.retry,
    row.meaning,
  ]),
)}
`;
}

function exitCodesPage(): string {
  const reasonsOf = (exit: string) =>
    Object.entries(Reason)
      .filter(([, row]) => EXIT_BY_STATUS[row.code] === exit)
      .map(([reason]) => `\`${reason}\``)
      .join(", ");
  return `
# Exit codes of the \`cairn\` command

${table(
  ["Code", "Name", "Meaning", "Reasons"],
  Object.entries(ExitCode).map(([name, { code, meaning }]) => [
    String(code),
    name,
    meaning,
    reasonsOf(name),
  ]),
)}

With \`--json\` a failure is told on stderr as \`{"error": {"reason", "message", "exitCode", "advice"}}\`.
`;
}

function metricsPage(): string {
  refuseUnregistered();
  return `
# Metrics

Each server serves them at \`http://<httpAddress>/metrics\` in Prometheus' text format, with what Node knows of the process (\`process_*\`, \`nodejs_*\`) beside.
A histogram has \`_bucket\`, \`_sum\` and \`_count\`.

${table(
  ["Name", "Kind", "Unit", "Labels", "Meaning"],
  Object.entries(METRICS).map(([name, row]) => [
    `\`${name}\``,
    row.kind,
    row.unit,
    row.labels.map((label) => `\`${label}\``).join(", "),
    row.help,
  ]),
)}
`;
}

/** A metric that the code makes and the register lacks would be on no page. */
function refuseUnregistered(): void {
  const names = new Set<string>(Object.keys(METRICS));
  const missing = sources("packages")
    .flatMap((path) => [
      ...readFileSync(path, "utf8").matchAll(
        /\.(?:counter|gauge|histogram|observed)\(\s*"(cairn_[a-z0-9_]+)"/gu,
      ),
    ])
    .map((match) => match[1] ?? "")
    .filter((name) => !names.has(name));
  if (missing.length > 0) {
    throw new Error(
      `metrics that packages/observability/src/metric-names.ts lacks: ${missing.join(", ")}`,
    );
  }
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ["dist", "node_modules", "gen"].includes(entry.name) ? [] : sources(path);
    return path.endsWith(".ts") && !path.endsWith(".test.ts") ? [path] : [];
  });
}

function rpcPage(): string {
  const comments = new Map(
    [
      "common",
      "coordinator",
      "nodes",
      "redundancy",
      "trash",
      "check",
      "scrub",
      "access",
      "datanode",
    ].flatMap((name) => [...commentsOf(readFileSync(join(PROTO, `${name}.proto`), "utf8"))]),
  );
  const services = [
    CoordinatorService,
    NodeService,
    RedundancyService,
    TrashService,
    CheckService,
    ScrubService,
    AccessService,
    DataNodeService,
  ];
  const messages = new Map<string, DescMessage>();
  for (const service of services) {
    for (const method of service.methods)
      for (const message of [method.input, method.output]) collect(message, messages);
  }
  return `
# Calls

The definitions are in [packages/protocol/proto](../../packages/protocol/proto). gRPC carries them for any language; our own processes use the framed transport.
Every call takes the metadata \`cairn-request-id\`. Calls marked *keyed* also carry \`cairn-idempotency-key\`; they and those marked *yes* may be repeated.

${services.map((service) => servicePart(service, comments)).join("\n\n")}

# Messages

${[...messages.values()].map((message) => messagePart(message, comments)).join("\n\n")}
`;
}

function servicePart(service: DescService, comments: ReadonlyMap<string, string>): string {
  const repeat = (method: DescMethod) => {
    const how = repeatable(method);
    return how === undefined ? "no" : how === "keyed" ? "keyed" : "yes";
  };
  return `## ${service.name}

${comments.get(service.name) ?? ""}

${table(
  ["Call", "Kind", "Takes", "Answers", "Repeatable", "What it does"],
  service.methods.map((method) => [
    `\`${method.name}\``,
    method.methodKind.replace("_", " "),
    messageLink(method.input),
    messageLink(method.output),
    repeat(method),
    aboutCall(service, method, comments),
  ]),
)}`;
}

/** A heading above a group of calls ("Namespace.") says nothing of the call. */
function aboutCall(
  service: DescService,
  method: DescMethod,
  comments: ReadonlyMap<string, string>,
): string {
  const own = comments.get(`${service.name}.${method.name}`);
  const isHeading = own !== undefined && own.split(" ").length <= 2;
  return (isHeading ? undefined : own) ?? comments.get(method.input.name) ?? "";
}

function messagePart(message: DescMessage, comments: ReadonlyMap<string, string>): string {
  const about = comments.get(message.name);
  const head = `## ${message.name}\n${about === undefined ? "" : `\n${about}\n`}`;
  if (message.fields.length === 0) return `${head}\nNo fields.`;
  return `${head}
${table(
  ["Field", "Number", "Type", "Meaning"],
  message.fields.map((field) => [
    `\`${field.name}\``,
    String(field.number),
    fieldType(field),
    comments.get(`${message.name}.${field.name}`) ?? "",
  ]),
)}`;
}

function collect(message: DescMessage, into: Map<string, DescMessage>): void {
  if (into.has(message.typeName)) return;
  into.set(message.typeName, message);
  for (const field of message.fields) if (field.message !== undefined) collect(field.message, into);
}

function fieldType(field: DescField): string {
  const { proto } = field;
  const scalar =
    [
      "",
      "double",
      "float",
      "int64",
      "uint64",
      "int32",
      "fixed64",
      "fixed32",
      "bool",
      "string",
      "group",
      "message",
      "bytes",
      "uint32",
      "enum",
    ][proto.type] ?? "";
  if (field.fieldKind === "map") return "map of string to string";
  const one =
    field.message === undefined ? (field.enum?.name ?? scalar) : messageLink(field.message);
  const optional = proto.proto3Optional ? "optional " : "";
  return `${field.fieldKind === "list" ? "repeated " : optional}${one}`;
}

function messageLink(message: DescMessage): string {
  return `[${message.name}](#${message.name.toLowerCase()})`;
}

/** What stands above services, calls, messages and fields, by "Stat", "CoordinatorService.Stat", "Entry.kind". */
function commentsOf(proto: string): Map<string, string> {
  const comments = new Map<string, string>();
  const scopes: string[] = [];
  let pending: string[] = [];
  for (const line of proto.split("\n").map((text) => text.trim())) {
    if (line.startsWith("//")) {
      pending.push(line.slice(2).trim());
      continue;
    }
    const opened = /^(?:service|message|enum|oneof) (\w+) \{(?<closed>\})?$/u.exec(line);
    const named =
      /^rpc (\w+)\(/u.exec(line) ?? /^(?:repeated |optional )?[\w.<>, ]+ (\w+) = \d+;$/u.exec(line);
    const name = opened?.[1] ?? named?.[1];
    if (name !== undefined && pending.length > 0) {
      const owner = line.startsWith("oneof") ? "" : scopes.filter((scope) => scope !== "").at(-1);
      comments.set(
        opened === null && owner !== undefined ? `${owner}.${name}` : name,
        pending.join(" "),
      );
    }
    pending = [];
    // A oneof's fields are those of its message.
    if (opened !== null && opened.groups?.closed === undefined)
      scopes.push(line.startsWith("oneof") ? "" : (name ?? ""));
    else if (line === "}") scopes.pop();
  }
  return comments;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
