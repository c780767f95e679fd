/** To be imported before everything else: loads the modules with the mutation that the environment names. */
import { register } from "node:module";

const name = process.env["CAIRN_SIMULATOR_MUTATION"];
if (name !== undefined) register(new URL("./hooks.js", import.meta.url), { data: name });
