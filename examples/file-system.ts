import { connect } from "@cairnfs/client";

/** Uses the cluster through the methods of node:fs/promises, as a library that takes an `fs` would. */
const cairn = await connect({ coordinator: process.argv[2] ?? "127.0.0.1:7070" });
try {
  const { fs } = cairn;
  await fs.mkdir("/examples/notes", { recursive: true });
  await fs.writeFile("/examples/notes/monday.txt", "one stone\n");
  await fs.appendFile("/examples/notes/monday.txt", "another stone\n");
  console.log(await fs.readFile("/examples/notes/monday.txt", "utf8"));
  for (const entry of await fs.readdir("/examples/notes", { withFileTypes: true })) {
    const { size } = await fs.stat(`/examples/notes/${entry.name}`);
    console.log(entry.isDirectory() ? "directory" : "file", entry.name, size);
  }
} finally {
  await cairn.close();
}
