import { CairnError } from "./errors.ts";

/** The host and port of "host:port" or "[v6]:port"; undefined when the text is neither. */
export function parseAddress(
  address: string,
): { readonly host: string; readonly port: number } | undefined {
  const found = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/u.exec(address);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/** Whether only processes of this machine can connect to the host. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/u.test(host);
}

/**
 * Refuses, as `invalidConfig`, to listen where other machines can connect, since nothing is encrypted or asks who
 * calls. `setting` is the name of the setting that says so.
 */
export function refusePublicBind(
  bind: { readonly setting: string; readonly address: string },
  allowInsecureBind: boolean,
): void {
  if (allowInsecureBind) return;
  const parsed = parseAddress(bind.address);
  // What is no host:port cannot be bound by a real network; it is not for us to explain.
  if (parsed === undefined || isLoopback(parsed.host)) return;
  throw new CairnError(
    "invalidConfig",
    `${bind.setting} is ${bind.address}, which other machines can reach, and traffic is not encrypted: ` +
      "listen on 127.0.0.1, or set allowInsecureBind when the network is closed to strangers",
  );
}

/** Why a server could not listen at an address, and what to do about it, as `invalidConfig`. */
export function listenFailure(address: string, cause: unknown): CairnError {
  const text = String(cause);
  let why = text;
  if (text.includes("EADDRINUSE"))
    why = "another process listens there: choose another port, or 0 for a free one";
  else if (text.includes("EACCES")) why = "this user may not: choose a port above 1023";
  else if (text.includes("EADDRNOTAVAIL")) why = "this machine has no such address";
  return new CairnError("invalidConfig", `cannot listen at ${address}: ${why}`, { cause });
}
