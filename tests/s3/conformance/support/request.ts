import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import type { Outgoing } from "./sign.ts";

/** An answer as it came. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

/** Sends what was made, byte for byte as it is. */
export function send(endpoint: URL, outgoing: Outgoing): Promise<Answer> {
  const { method, path, headers, body } = outgoing;
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: endpoint.hostname, port: endpoint.port, method, path, headers, agent },
      (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(pieces),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** Writes bytes to a socket of its own and reads the status of the first answer. */
export function sendText(endpoint: URL, text: string, patienceMs = 5000): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(endpoint.port), endpoint.hostname, () => socket.write(text));
    let received = "";
    socket.setTimeout(patienceMs, () => {
      socket.destroy();
      reject(new Error(`no answer within ${patienceMs} ms to ${text}`));
    });
    socket.on("data", (piece) => {
      received += piece.toString("latin1");
      const status = /^HTTP\/1\.1 (\d{3})/u.exec(received)?.[1];
      if (status === undefined) return;
      socket.destroy();
      resolve(Number(status));
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(0));
  });
}

export function closeConnections(): void {
  agent.destroy();
}
