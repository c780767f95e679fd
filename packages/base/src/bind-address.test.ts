import { expect, test } from "vitest";
import { isLoopback, listenFailure, parseAddress, refusePublicBind } from "./bind-address.ts";

test("an address is a host and a port, with brackets around IPv6", () => {
  expect(parseAddress("127.0.0.1:7070")).toEqual({ host: "127.0.0.1", port: 7070 });
  expect(parseAddress("node-1.example:0")).toEqual({ host: "node-1.example", port: 0 });
  expect(parseAddress("[::1]:65535")).toEqual({ host: "::1", port: 65_535 });
  for (const wrong of ["", "7070", "host", "host:", ":1", "::1:70", "host:65536", "host:-1"]) {
    expect(parseAddress(wrong)).toBeUndefined();
  }
});

test("only addresses of this machine are loopback", () => {
  for (const host of ["localhost", "127.0.0.1", "127.8.9.10", "::1"]) {
    expect(isLoopback(host)).toBe(true);
  }
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.evil.example"]) {
    expect(isLoopback(host)).toBe(false);
  }
});

test("a public address is refused with what to do, unless it was allowed", () => {
  const bind = { setting: "address", address: "0.0.0.0:7070" };
  expect(() => refusePublicBind(bind, false)).toThrow(
    "address is 0.0.0.0:7070, which other machines can reach, and traffic is not encrypted: " +
      "listen on 127.0.0.1, or set allowInsecureBind when the network is closed to strangers",
  );
  refusePublicBind(bind, true);
  refusePublicBind({ setting: "address", address: "127.0.0.1:7070" }, false);
});

test("a server that cannot listen says why, and what to do", () => {
  const taken = Object.assign(new Error("listen EADDRINUSE: address already in use"), {
    code: "EADDRINUSE",
  });
  expect(listenFailure("127.0.0.1:7081", taken)).toMatchObject({
    reason: "invalidConfig",
    message: expect.stringMatching(/127\.0\.0\.1:7081: another process .* choose another port/u),
    cause: taken,
  });
});
