import { SystemClock } from "@cairnfs/base/clock";
import { describeNetwork } from "../rpc/rpc.contract.ts";
import { GrpcNetwork } from "./grpc-network.ts";

describeNetwork("GrpcNetwork", () => new GrpcNetwork({ clock: new SystemClock() }), {
  address: "127.0.0.1:0",
  cutRequestsLookComplete: "Node's HTTP/2 client ends a stream before it resets it",
});
