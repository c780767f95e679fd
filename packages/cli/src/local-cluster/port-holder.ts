import { once } from "node:events";
import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import { parseAddress } from "@cairnfs/base/bind-address";
import { hasErrorCode } from "@cairnfs/base/disk";
import { CommandFailure } from "../failure.ts";

/** Fails, with who holds it as far as that can be seen, when nothing can listen on the address. Port 0 is always free. */
export async function refuseTakenAddress(address: string, advice: string): Promise<void> {
  const parsed = parseAddress(address);
  if (parsed === undefined || parsed.port === 0 || (await isFree(parsed.host, parsed.port))) return;
  const holder = await holderOf(parsed.port);
  throw new CommandFailure(
    "conflict",
    `${address} is taken by ${holder ?? "another process"}`,
    advice,
  );
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  server.listen({ host, port });
  try {
    await once(server, "listening");
  } catch (error) {
    if (hasErrorCode(error, "EADDRINUSE")) return false;
    throw error;
  }
  server.close();
  await once(server, "close");
  return true;
}

/** "process 4711 (node server.js)", from what Linux shows of the processes that are ours to see. */
async function holderOf(port: number): Promise<string | undefined> {
  if (process.platform !== "linux") return undefined;
  const sockets = new Set([
    ...(await listeningSockets("/proc/net/tcp", port)),
    ...(await listeningSockets("/proc/net/tcp6", port)),
  ]);
  if (sockets.size === 0) return undefined;
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/u.test(name));
  for (const pid of pids) {
    if (!(await hasSocket(pid, sockets))) continue;
    const words = await orMissing(readFile(`/proc/${pid}/cmdline`, "utf8"), "");
    const text = words.replaceAll("\0", " ").trim().slice(0, 100);
    return `process ${pid}${text === "" ? "" : ` (${text})`}`;
  }
  return undefined;
}

/** The links "socket:[inode]" of sockets that listen on the port. */
async function listeningSockets(table: string, port: number): Promise<string[]> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = (await orMissing(readFile(table, "utf8"), "")).split("\n").slice(1);
  return lines
    .map((line) => line.trim().split(/\s+/u))
    .filter(([, local, , state]) => local?.endsWith(suffix) === true && state === "0A")
    .map((fields) => `socket:[${fields[9]}]`);
}

async function hasSocket(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  for (const file of await orMissing(readdir(`/proc/${pid}/fd`), [])) {
    if (sockets.has(await orMissing(readlink(`/proc/${pid}/fd/${file}`), ""))) return true;
  }
  return false;
}

/** Processes end while we look, and others' are not ours to see. */
async function orMissing<T>(found: Promise<T>, missing: T): Promise<T> {
  try {
    return await found;
  } catch (error) {
    if (hasErrorCode(error, "ENOENT", "ESRCH", "EACCES", "EPERM", "ENOTDIR")) return missing;
    throw error;
  }
}
