import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { GatewayCluster } from "../../testing/gateway-cluster.ts";
import { childText } from "../../xml/read.ts";

const KIB_64 = 64 * 1024;

test("ranges that an object was uploaded in are copied without their bytes, with their ETags", async () => {
  await using cluster = await GatewayCluster.open();
  const { client, s3 } = cluster;
  for (const name of ["from", "into"]) await s3.put(`/${name}`);
  const contents = [KIB_64, KIB_64, 7].map((size, at) => Buffer.alloc(size, at + 1));
  const md5s = contents.map((content) => createHash("md5").update(content).digest());
  const key = "source";
  const uploadId = await client.multiparts.create("from", key);
  const named: { readonly number: number; readonly contentId: number }[] = [];
  for (const [at, content] of contents.entries()) {
    const part = { uploadId, number: at + 1 };
    const said = { object: { md5: md5s[at] ?? Buffer.alloc(0) } };
    const { contentId } = await client.multiparts.putPart("from", key, part, content, said);
    named.push({ number: at + 1, contentId });
  }
  const object = { partCount: 3 };
  await client.multiparts.complete("from", key, uploadId, named, { object });

  const begun = await s3.post("/into/copy", "", { query: { uploads: undefined } });
  const copyId = childText(begun.xml, "UploadId") ?? "";
  // Nobody is there who could give the bytes.
  for (const datanode of cluster.datanodes) await datanode.close();
  let offset = 0;
  for (const [at, content] of contents.entries()) {
    const last = offset + content.byteLength - 1;
    const reply = await s3.put("/into/copy", "", {
      query: { partNumber: String(at + 1), uploadId: copyId },
      headers: {
        "x-amz-copy-source": "from/source",
        "x-amz-copy-source-range": `bytes=${offset}-${last}`,
      },
    });
    expect(childText(reply.xml, "ETag")).toBe(`"${md5s[at]?.toString("hex")}"`);
    offset += content.byteLength;
  }
  const { parts } = await client.multiparts.listPartsPage("into", "copy", copyId);
  const entry = await client.multiparts.complete("into", "copy", copyId, parts);
  expect(entry.sizeBytes).toBe(2 * KIB_64 + 7);
  // Contents of their own: what the source showed goes when the source does.
  const shown = (await client.multiparts.objectPartsPage(entry)).parts;
  expect(shown.map(({ contentId }) => contentId)).not.toContain(named[0]?.contentId);
});
