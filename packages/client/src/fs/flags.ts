import { constants } from "node:fs";

/** What open flags ask for. */
export interface OpenFlags {
  readonly access: "read" | "write" | "both";
  readonly isAppend: boolean;
  readonly isExclusive: boolean;
}

const STRINGS: ReadonlySet<string> = new Set(
  "r rs sr r+ rs+ sr+ w wx xw w+ wx+ xw+ a ax xa as sa a+ ax+ xa+ as+ sa+".split(" "),
);

/** Understands the flags of `node:fs`: strings as "wx", or the system's numbers. */
export function parseFlags(flags: string | number): OpenFlags {
  if (typeof flags === "number") {
    const { O_WRONLY, O_RDWR, O_APPEND, O_EXCL } = constants;
    const access = (flags & O_RDWR) !== 0 ? "both" : (flags & O_WRONLY) !== 0 ? "write" : "read";
    return { access, isAppend: (flags & O_APPEND) !== 0, isExclusive: (flags & O_EXCL) !== 0 };
  }
  if (!STRINGS.has(flags)) {
    const error = new TypeError(`The argument 'flags' is invalid. Received '${flags}'`);
    throw Object.assign(error, { code: "ERR_INVALID_ARG_VALUE" });
  }
  const isRead = flags.includes("r");
  const access = flags.includes("+") ? "both" : isRead ? "read" : "write";
  return { access, isAppend: flags.includes("a"), isExclusive: flags.includes("x") };
}
