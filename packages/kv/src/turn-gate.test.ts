import { expect, test } from "vitest";
import { TurnGate } from "./turn-gate.ts";

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("one enters at a time, in order of arrival", async () => {
  const gate = new TurnGate(() => true);
  const order: string[] = [];
  const visit = async (name: string) => {
    const turn = await gate.enter();
    order.push(`${name} in`);
    await Promise.resolve();
    order.push(`${name} out`);
    gate.leave(turn);
  };
  await Promise.all(["a", "b", "c"].map(visit));
  expect(order).toEqual(["a in", "a out", "b in", "b out", "c in", "c out"]);
});

test("who keeps the turn for more than a round of the event loop loses it to the next", async () => {
  const gate = new TurnGate(() => true);
  const slow = await gate.enter();
  let isIn = false;
  const next = Promise.resolve(gate.enter()).then((turn) => {
    isIn = true;
    return turn;
  });
  await Promise.resolve();
  expect(isIn).toBe(false);
  const turn = await next;
  // Leaving late takes nobody else's turn away.
  gate.leave(slow);
  let isThirdIn = false;
  const third = Promise.resolve(gate.enter()).then((turn) => {
    isThirdIn = true;
    gate.leave(turn);
  });
  await Promise.resolve();
  expect(isThirdIn).toBe(false);
  gate.leave(turn);
  await third;
});

test("nobody enters while the gate is shut, and those who wait do when it is asked again", async () => {
  let isOpen = false;
  const gate = new TurnGate(() => isOpen);
  const waiting = [gate.enter(), gate.enter()];
  await tick();
  expect(gate.waiting).toBe(2);
  isOpen = true;
  gate.poke();
  const first = await waiting[0];
  expect(gate.waiting).toBe(1);
  gate.leave(first ?? 0);
  await waiting[1];
});

test("who enters when the gate opens, and is slow, holds up nobody who waited with it", async () => {
  let isOpen = false;
  const gate = new TurnGate(() => isOpen);
  const waiting = [gate.enter(), gate.enter(), gate.enter()];
  await tick();
  isOpen = true;
  gate.poke();
  expect((await Promise.all(waiting)).length).toBe(3);
});

test("a signal ends the wait, and the next in line gets the turn", async () => {
  const gate = new TurnGate(() => true);
  const turn = await gate.enter();
  const controller = new AbortController();
  const leaving = gate.enter(controller.signal);
  const staying = gate.enter();
  controller.abort();
  await expect(leaving).rejects.toThrow(expect.objectContaining({ reason: "cancelled" }));
  gate.leave(turn);
  await staying;
  await expect(gate.enter(AbortSignal.abort())).rejects.toThrow();
});

test("a signal that is made when asked for is asked for by who waits for longer than a round", async () => {
  let isOpen = true;
  const gate = new TurnGate(() => isOpen);
  const controller = new AbortController();
  let asked = 0;
  const signal = () => {
    asked += 1;
    return controller.signal;
  };
  const first = await gate.enter(signal);
  const second = gate.enter(signal);
  gate.leave(first);
  gate.leave(await second);
  await tick();
  expect(asked).toBe(0);

  isOpen = false;
  const third = gate.enter(signal);
  await tick();
  expect(asked).toBe(1);
  controller.abort();
  await expect(third).rejects.toThrow(expect.objectContaining({ reason: "cancelled" }));
  expect(gate.waiting).toBe(0);
});

test("of too many who wait the last is refused", async () => {
  const gate = new TurnGate(() => false);
  for (let waiting = 0; waiting < 65_536; waiting++) void gate.enter();
  await expect(gate.enter()).rejects.toThrow(expect.objectContaining({ reason: "overloaded" }));
});
