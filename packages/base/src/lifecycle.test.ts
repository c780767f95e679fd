import { expect, test } from "vitest";
import { Lifecycle } from "./lifecycle.ts";

test("parts stop in reverse order, once, and one that fails does not keep the others running", async () => {
  const stopped: string[] = [];
  const lifecycle = new Lifecycle();
  for (const name of ["first", "second", "third"]) {
    lifecycle.add({
      close: async () => {
        stopped.push(name);
        if (name === "second") throw new Error("second is stuck");
      },
    });
  }
  await expect(lifecycle.close()).rejects.toThrow(AggregateError);
  await expect(lifecycle.close()).rejects.toThrow(AggregateError);
  expect(stopped).toEqual(["third", "second", "first"]);
});
