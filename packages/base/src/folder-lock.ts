import { type FileHandle, open, readdir, unlink } from "node:fs/promises";
import { connect, createServer, Server } from "node:net";
import { join } from "node:path";
import { hasErrorCode } from "./disk.ts";
import type { Closable } from "./lifecycle.ts";

const LOCK_NAME = /^lock-(\d{1,15})$/u;
/** How often a start is tried again that met another one starting; more means somebody is there to stay. */
const ATTEMPTS_MAX = 8;

/**
 * Takes a folder for this process alone; undefined when a living process has it. Held until `close` or the process's
 * end: the lock is a listening Unix socket in the folder, which the kernel silences with its process, so kill -9
 * leaves nothing that would need cleaning. It holds between containers that share the folder, but not between machines.
 */
export async function lockFolder(path: string): Promise<Closable | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const outcome = await tryLock(path);
    if (outcome !== "again") return outcome;
  }
  return undefined;
}

async function tryLock(path: string): Promise<Closable | "again" | undefined> {
  // Stays open while the lock is held: closing the server unlinks the socket by a path through this descriptor.
  const folder = await open(path);
  let server: Server | "again" | undefined;
  try {
    server = await bindAbove(path, folder);
  } finally {
    if (!(server instanceof Server)) await folder.close();
  }
  if (!(server instanceof Server)) return server;
  const held = server;
  return {
    close: async () => {
      await closeServer(held);
      await folder.close();
    },
  };
}

/**
 * Each holder binds a name with a number above all that are there, which only one can do. Whoever bound looks around
 * again after it listens: of two that overlap, at least the later listener sees the other and steps back.
 */
async function bindAbove(path: string, folder: FileHandle): Promise<Server | "again" | undefined> {
  const others = await locksIn(path);
  if (await isAnyAlive(path, folder, others)) return undefined;
  const number = Math.max(0, ...others) + 1;
  const server = await listen(socketPath(path, folder, number));
  if (server === undefined) return "again";
  const rivals = (await locksIn(path)).filter((other) => other !== number);
  if (await isAnyAlive(path, folder, rivals)) {
    await closeServer(server);
    return undefined;
  }
  await Promise.all(rivals.map((rival) => removeSocket(join(path, lockName(rival)))));
  return server;
}

async function isAnyAlive(
  path: string,
  folder: FileHandle,
  numbers: readonly number[],
): Promise<boolean> {
  const alive = await Promise.all(
    numbers.map((number) => isAlive(socketPath(path, folder, number))),
  );
  return alive.includes(true);
}

async function locksIn(path: string): Promise<number[]> {
  const numbers: number[] = [];
  for (const name of await readdir(path)) {
    const digits = LOCK_NAME.exec(name)?.[1];
    if (digits !== undefined) numbers.push(Number(digits));
  }
  return numbers;
}

function lockName(number: number): string {
  return `lock-${number}`;
}

/** A socket's path has at most 107 bytes; through the open folder's descriptor it is short however deep the folder lies. */
function socketPath(path: string, folder: FileHandle, number: number): string {
  return process.platform === "linux"
    ? `/proc/self/fd/${folder.fd}/${lockName(number)}`
    : join(path, lockName(number));
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) => {
      if (hasErrorCode(error, "ECONNREFUSED", "ENOENT", "ENOTSOCK")) resolve(false);
      // A full backlog is somebody's backlog.
      else if (hasErrorCode(error, "EAGAIN")) resolve(true);
      else reject(error);
    });
  });
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error) => {
      if (hasErrorCode(error, "EADDRINUSE")) resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

async function removeSocket(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!hasErrorCode(error, "ENOENT")) throw error;
  });
}
