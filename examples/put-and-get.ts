import { connect } from "@cairnfs/client";

/** Writes a small file, reads it back and lists its directory: npx tsx examples/put-and-get.ts 127.0.0.1:7070 */
const cairn = await connect({ coordinator: process.argv[2] ?? "127.0.0.1:7070" });
try {
  await cairn.put("/examples/hello.txt", "hello, cairn\n", { parents: true });
  const file = await cairn.get("/examples/hello.txt");
  console.log(await file.text());
  for await (const entry of cairn.list("/examples")) console.log(entry.name, entry.sizeBytes);
} finally {
  await cairn.close();
}
