import { once } from "node:events";
import { type ClientRequest, request } from "node:http";
import { SystemClock } from "@cairnfs/base/clock";
import { signRequest } from "@cairnfs/gateway/testing/sign-request";
import type { GatewayAccess } from "@cairnfs/testkit/process-cluster";

/** A request with a body that comes as far as it is told, and no further. */
export class BrokenPut {
  readonly #request: ClientRequest;

  private constructor(outgoing: ClientRequest) {
    this.#request = outgoing;
    // How it ends is no matter: it never gets all of its body.
    outgoing.on("error", () => undefined);
  }

  /** Announces a body of `sizeBytes` and resolves when `sentBytes` of it were taken by the connection. */
  static async begin(
    door: GatewayAccess,
    { path, query = "", sizeBytes }: { path: string; query?: string; sizeBytes: number },
    pieces: AsyncIterable<Uint8Array>,
    sentBytes: number,
  ): Promise<BrokenPut> {
    const { host, origin } = new URL(door.endpoint);
    const headers = signRequest(
      {
        method: "PUT",
        path,
        query,
        headers: { host, "content-length": String(sizeBytes) },
        payloadHash: "UNSIGNED-PAYLOAD",
        timeMs: new SystemClock().now(),
      },
      door,
    );
    const url = `${origin}${path}${query === "" ? "" : `?${query}`}`;
    const put = new BrokenPut(request(url, { method: "PUT", headers }));
    let bytes = 0;
    for await (const piece of pieces) {
      if (bytes >= sentBytes) break;
      if (!put.#request.write(piece)) await once(put.#request, "drain");
      bytes += piece.byteLength;
    }
    return put;
  }

  end(): void {
    this.#request.destroy();
  }
}
