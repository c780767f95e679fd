import type { MessageInitShape } from "@bufbuild/protobuf";
import { Versioning } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import type { ObjectAttributesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import {
  TestNamespace,
  type TestNamespaceOptions,
} from "../../namespace/testing/test-namespace.ts";

type Attributes = MessageInitShape<typeof ObjectAttributesSchema>;

export const BUCKET = "bucket";

/** A bucket of a test, with versioning unless it is told otherwise. */
export class VersionedBucket implements AsyncDisposable {
  readonly tree: TestNamespace;

  private constructor(tree: TestNamespace) {
    this.tree = tree;
  }

  static async open(
    options: TestNamespaceOptions & {
      readonly versioning?: "never" | "enabled";
      readonly hasObjectLock?: boolean;
    } = {},
  ): Promise<VersionedBucket> {
    const tree = await TestNamespace.open(options);
    const bucket = new VersionedBucket(tree);
    const { hasObjectLock = false, versioning = "enabled" } = options;
    await tree.bucket("createBucket", { name: BUCKET, hasObjectLock });
    if (versioning === "enabled") await bucket.set(Versioning.ENABLED);
    return bucket;
  }

  async set(versioning: Versioning): Promise<void> {
    await this.tree.bucket("setBucket", { name: BUCKET, versioning });
  }

  /** Puts an object; gives the id of its version. */
  async put(key: string, text: string, attributes: Attributes = {}): Promise<string> {
    const { entry } = await this.tree.call("putFile", {
      path: `/${BUCKET}/${key}`,
      object: { attributes },
      inlineBytes: Buffer.from(text),
    });
    return entry?.versionId ?? "";
  }

  /** The text of an object or of a version of it. */
  async text(key: string, versionId = ""): Promise<string> {
    const opened = await this.tree.objects("openObject", { bucket: BUCKET, key, versionId });
    if (opened.version?.isDeleteMarker === true) return "removed";
    return Buffer.from(opened.inlineBytes ?? []).toString();
  }

  remove(key: string, versionId = "", bypassGovernance = false) {
    const request = { bucket: BUCKET, key, versionId, bypassGovernance, owner: "me" };
    return this.tree.objects("removeObject", request);
  }

  say(key: string, object: Attributes, versionId = "", bypassGovernance = false) {
    const request = { bucket: BUCKET, key, versionId, object, bypassGovernance };
    return this.tree.objects("setObject", request);
  }

  /** Every version and delete marker, the newest of each key first: key, id and what it is. */
  async list(): Promise<string[]> {
    const { items } = await this.tree.objects("listVersions", { bucket: BUCKET });
    return Promise.all(
      items.map(async ({ key, version }) => {
        const { versionId = "", isDeleteMarker, isLatest } = version ?? {};
        const what = isDeleteMarker === true ? "removed" : await this.text(key, versionId);
        const id = versionId === "null" ? " null" : "";
        return `${key} ${what}${id}${isLatest === true ? " *" : ""}`;
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tree[Symbol.asyncDispose]();
  }
}
