import { join } from "node:path";
import { type GatewayAccess, ProcessCluster } from "@cairnfs/testkit/process-cluster";

/** A cluster of three datanodes with a gateway, and a folder for what clients keep on their side. */
export interface S3Cluster extends AsyncDisposable {
  readonly cluster: ProcessCluster;
  readonly door: GatewayAccess;
  readonly folder: string;
}

/** Starts one, in processes of its own, that ends with the test. */
export async function startS3(name: string): Promise<S3Cluster> {
  const cluster = await ProcessCluster.start({ name: `s3-${name}`, datanodes: 3 });
  try {
    const door = await cluster.startGateway();
    return {
      cluster,
      door,
      folder: join(cluster.folder, "client"),
      [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
    };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}
