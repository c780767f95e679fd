import { SystemClock } from "@cairnfs/base/clock";
import { describeNetwork } from "../rpc/rpc.contract.ts";
import { FramedNetwork } from "./framed-network.ts";

describeNetwork("FramedNetwork", () => new FramedNetwork({ clock: new SystemClock() }), {
  address: "127.0.0.1:0",
});
