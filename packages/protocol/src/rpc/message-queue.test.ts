import { CairnError } from "@cairnfs/base/errors";
import { expect, test } from "vitest";
import { UNREAD_BYTES_MAX, UNREAD_MESSAGES_MAX } from "./limits.ts";
import { MessageQueue } from "./message-queue.ts";

function queue() {
  const events: string[] = [];
  const messages = new MessageQueue({
    onRoom: () => events.push("room"),
    onReturn: () => events.push("return"),
  });
  return { messages, events };
}

const error = new CairnError("peerGone", "gone");
const done = { done: true, value: undefined };

test("a queue asks for a pause when it holds its limit of bytes, and goes on at half of it", async () => {
  const { messages, events } = queue();
  const half = new Uint8Array(UNREAD_BYTES_MAX / 2);
  expect(messages.push(half)).toBe(true);
  expect(messages.push(half.subarray(1))).toBe(true);
  expect(messages.push(new Uint8Array(1))).toBe(false);
  await messages.next();
  expect(events).toEqual(["room"]);
});

test("a queue asks for a pause when it holds its limit of messages", async () => {
  const { messages, events } = queue();
  const answers = Array.from({ length: UNREAD_MESSAGES_MAX }, () =>
    messages.push(new Uint8Array(1)),
  );
  expect(answers.indexOf(false)).toBe(UNREAD_MESSAGES_MAX - 1);
  for (let read = 0; read < UNREAD_MESSAGES_MAX / 2; read++) await messages.next();
  expect(events).toEqual(["room"]);
});

test("a message for a reader who waits does not count", () => {
  const { messages } = queue();
  void messages.next();
  expect(messages.push(new Uint8Array(UNREAD_BYTES_MAX))).toBe(true);
});

test("what was unread is read before the end, and before a failure", async () => {
  const one = queue().messages;
  one.push(new Uint8Array(1));
  one.end();
  expect((await one.next()).done).toBe(false);
  expect(await one.next()).toEqual(done);
  const other = queue().messages;
  other.push(new Uint8Array(1));
  other.end(error);
  expect((await other.next()).done).toBe(false);
  await expect(other.next()).rejects.toBe(error);
  expect(await other.next()).toEqual(done);
});

test("an abort is told at once, instead of what is unread", async () => {
  const { messages } = queue();
  messages.push(new Uint8Array(1));
  messages.abort(error);
  await expect(messages.next()).rejects.toBe(error);
  expect(await messages.next()).toEqual(done);
});

test("a reader who has enough gets nothing more, and the sender may go on into nothing", async () => {
  const { messages, events } = queue();
  for (let index = 0; index < UNREAD_MESSAGES_MAX; index++) messages.push(new Uint8Array(1));
  const next = queue().messages;
  const waiting = next.next();
  await next.return();
  expect(await waiting).toEqual(done);
  await messages.return();
  expect(events).toEqual(["room", "return"]);
  expect(messages.push(new Uint8Array(UNREAD_BYTES_MAX))).toBe(true);
  expect(await messages.next()).toEqual(done);
});
