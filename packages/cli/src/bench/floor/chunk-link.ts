/**
 * How the processes of a floor pass chunks on: plain TCP on loopback. Who takes chunks connects to who gives them and says where it
 * belongs in two bytes; then come chunks of a size both know, each answered with one byte before the next is sent.
 *
 *     taker → giver   | taker | lane |
 *     giver → taker   | chunk ...    |
 *     taker → giver   | 1            |
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

const LOOPBACK = "127.0.0.1";
const DONE = Buffer.from([1]);

/** The giver's side: lanes to takers, each with one chunk under way at most. */
export class ChunkGiver {
  readonly #server: Server;
  readonly #lanes = new Map<string, Lane>();
  readonly #expected = new Map<string, (lane: Lane) => void>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      socket.setNoDelay(true);
      socket.once("data", (hello) => this.#add(`${hello[0]}.${hello[1]}`, new Lane(socket)));
    });
  }

  static async listen(): Promise<ChunkGiver> {
    const server = createServer();
    server.listen(0, LOOPBACK);
    await once(server, "listening");
    return new ChunkGiver(server);
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" ? (address?.port ?? 0) : 0;
  }

  /** The lane of a taker, when it has connected. */
  async lane(taker: number, lane: number): Promise<Lane> {
    const name = `${taker}.${lane}`;
    const found = this.#lanes.get(name);
    return found ?? new Promise((resolve) => this.#expected.set(name, resolve));
  }

  close(): void {
    for (const lane of this.#lanes.values()) lane.close();
    this.#server.close();
  }

  #add(name: string, lane: Lane): void {
    this.#lanes.set(name, lane);
    this.#expected.get(name)?.(lane);
  }
}

/** One lane of a giver. */
export class Lane {
  readonly #socket: Socket;
  #isDone: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", () => this.#isDone?.resolve());
    socket.on("error", (error) => this.#isDone?.reject(error));
    socket.on("close", () => this.#isDone?.reject(new Error("a process of the floor is gone")));
  }

  /** Passes a part of a chunk on; the bytes are ours until the chunk is `done`. */
  write(part: Uint8Array): void {
    this.#socket.write(part);
  }

  /** Resolves when the taker has done with the chunk what it is there for. Ask before its last part is written. */
  done(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#isDone = { resolve, reject };
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** What a taker does with a chunk. */
export interface ChunkWork {
  /** A part has come: it lies in the chunk's buffer up to `filledBytes`. */
  part(bytes: Uint8Array, filledBytes: number): void;
  /** All of it has come; the next comes when this resolves. */
  whole(chunk: Uint8Array): Promise<void>;
}

/** Connects a taker's lane. The bytes of a chunk are read straight into one buffer. */
export async function takeChunks(
  { port, taker, lane }: { readonly port: number; readonly taker: number; readonly lane: number },
  chunk: Uint8Array,
  work: ChunkWork,
): Promise<void> {
  let filledBytes = 0;
  const socket = connect({
    port,
    host: LOOPBACK,
    onread: {
      buffer: () => chunk.subarray(filledBytes === chunk.byteLength ? 0 : filledBytes),
      callback: (bytesRead, buffer) => {
        filledBytes += bytesRead;
        work.part(buffer.subarray(0, bytesRead), filledBytes);
        if (filledBytes === chunk.byteLength) finish();
        return true;
      },
    },
  });
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  socket.write(Buffer.from([taker, lane]));

  function finish(): void {
    work.whole(chunk).then(
      () => {
        filledBytes = 0;
        socket.write(DONE);
      },
      () => socket.destroy(),
    );
  }
}
