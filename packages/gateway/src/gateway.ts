import { refusePublicBind } from "@cairnfs/base/bind-address";
import type { Clock } from "@cairnfs/base/clock";
import type { Closable } from "@cairnfs/base/lifecycle";
import type { Random } from "@cairnfs/base/random";
import type { Telemetry } from "@cairnfs/base/telemetry";
import type { CairnClient } from "@cairnfs/client";
import { KeyCache } from "./auth/key-cache.ts";
import { SigningKeys } from "./auth/signing-keys.ts";
import type { GatewayConfig } from "./config.ts";
import { MasterKeySource } from "./encryption/master-key-source.ts";
import { HttpServer } from "./http/http-server.ts";
import { RequestIds } from "./http/request-ids.ts";
import { serveRequests } from "./http/serve-requests.ts";
import { BucketCache } from "./s3/bucket-cache.ts";
import { OPERATIONS } from "./s3/operations.ts";
import { Router } from "./s3/route.ts";
import { UserCache } from "./s3/user-cache.ts";

/** What a gateway works with, of the world outside. */
export interface GatewayOptions {
  /** Of the cluster; stays its maker's to close, after the gateway. */
  readonly client: CairnClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

/** A gateway that is up: S3 over HTTP, on the files of a cluster. It keeps nothing: any number of them serve the same files. */
export class Gateway implements Closable {
  /** host:port, with the port that was really bound. */
  readonly address: string;
  readonly #server: HttpServer;

  private constructor(server: HttpServer) {
    this.address = server.address;
    this.#server = server;
  }

  /** Resolves when the gateway listens. */
  static async open(config: GatewayConfig, options: GatewayOptions): Promise<Gateway> {
    refusePublicBind({ setting: "address", address: config.address }, config.allowInsecureBind);
    const { client, clock, random, telemetry } = options;
    const parts = {
      client,
      clock,
      random,
      config,
      logger: telemetry.logger,
      buckets: new BucketCache(client, clock),
      masterKeys: new MasterKeySource(client),
      users: new UserCache(client, clock),
      keys: new KeyCache(client.access, clock),
      signingKeys: new SigningKeys(),
    };
    const stop = new AbortController();
    const handler = serveRequests({
      parts,
      router: new Router(OPERATIONS),
      ids: new RequestIds(random),
      metrics: telemetry.metrics,
      stop: stop.signal,
    });
    const server = await HttpServer.listen(config, handler, {
      clock,
      stop: (reason) => stop.abort(reason),
    });
    telemetry.logger.info("the gateway is up", { address: server.address });
    return new Gateway(server);
  }

  /** Takes no more requests and lets those under way end, as long as `closeGraceMs` allows. */
  close(): Promise<void> {
    return this.#server.close();
  }
}
