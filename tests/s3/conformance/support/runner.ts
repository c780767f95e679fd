import { randomBytes } from "node:crypto";
import { eventually } from "@cairnfs/base/testing/eventually";
import { BUCKETS } from "./buckets.ts";
import { type AskStep, ask, type Given, type Row, type SocketStep, type Step } from "./case.ts";
import { check, text } from "./check.ts";
import { bytesOf, md5 } from "./checksums.ts";
import { FORM_TYPE, formBody } from "./form.ts";
import { type Answer, send, sendText } from "./request.ts";
import { type Outgoing, sign } from "./sign.ts";
import type { Target } from "./target.ts";
import { find, readXml } from "./xml.ts";

/** Carries out rows against a target. */
export class Runner {
  readonly #target: Target;
  /** Canonical ids and names of the users, by the names rows use. */
  readonly #users: Readonly<Record<string, string>>;

  private constructor(target: Target, users: Readonly<Record<string, string>>) {
    this.#target = target;
    this.#users = users;
  }

  /** Learns who the users are from the server itself. */
  static async open(target: Target): Promise<Runner> {
    const unknown = new Runner(target, {});
    const users: Record<string, string> = {
      mainEmail: target.main.email,
      altEmail: target.alt.email,
      region: target.region,
      endpoint: target.endpoint.origin,
      mainKey: target.main.accessKeyId,
    };
    for (const name of ["main", "alt"] as const) {
      const step = ask("GET ", { as: name });
      const answer = await unknown.#exchange(step, new Map());
      const of = (path: string) => saved(answer, `xml Owner/${path}`);
      users[name] = of("ID") ?? target[name].accessKeyId;
      users[`${name}Name`] = of("DisplayName") ?? "";
    }
    return new Runner(target, users);
  }

  /** Throws, with the exchange, at the first answer that is not as wanted. */
  async run(row: Row): Promise<void> {
    const vars = new Map(Object.entries(this.#users));
    await this.#makeBuckets(row, vars);
    for (const [index, step] of row.steps.entries()) {
      try {
        await this.#step(step, vars);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`step ${index + 1} of ${row.steps.length}: ${message}`, { cause: error });
      }
    }
  }

  async #makeBuckets(row: Row, vars: Map<string, string>): Promise<void> {
    const said = JSON.stringify(row.steps, (_key, value) =>
      value instanceof Uint8Array ? undefined : value,
    );
    for (const [name, steps] of Object.entries(BUCKETS)) {
      if (!said.includes(`{${name}}`)) continue;
      vars.set(name, `cf-${name}-${randomBytes(6).toString("hex")}`);
      for (const step of steps) await this.#ask(step, vars);
    }
  }

  async #step(step: Step, vars: Map<string, string>): Promise<void> {
    if (step.kind === "socket") return this.#socket(step, vars);
    if (step.kind === "ask") {
      await this.#patiently(step, vars);
      return;
    }
    const answers = await Promise.all(step.steps.map((each) => this.#exchange(each, vars)));
    const statuses = answers.map(({ status }) => status);
    const left = [...statuses];
    const inOrder = step.statuses.toSorted((a, b) => [a].flat().length - [b].flat().length);
    for (const wanted of inOrder) {
      const at = left.findIndex((status) => [wanted].flat().includes(status));
      if (at < 0) {
        const all = JSON.stringify(step.statuses);
        throw new Error(`${step.steps[0]?.line} at once: answered ${statuses}, wanted ${all}`);
      }
      left.splice(at, 1);
    }
  }

  async #socket(step: SocketStep, vars: ReadonlyMap<string, string>): Promise<void> {
    const { endpoint } = this.#target;
    const status = await sendText(endpoint, fill(step.text, vars));
    if (![step.status].flat().includes(status))
      throw new Error(`${step.text.split("\r\n")[0]}: answered ${status}, wanted ${step.status}`);
  }

  /** Again and again for as long as the step has patience. */
  async #patiently(step: AskStep, vars: Map<string, string>): Promise<void> {
    await eventually(() => this.#ask(step, vars), step.given.patienceMs ?? 0);
  }

  async #ask(step: AskStep, vars: Map<string, string>): Promise<void> {
    const answer = await this.#exchange(step, vars);
    const failure = check(step, answer, (said) => fill(said, vars));
    if (failure !== undefined)
      throw new Error(`${fill(step.line, vars)}\n  ${failure}\n${text(answer)}`);
    for (const [name, from] of Object.entries(step.want.save ?? {})) {
      const value = saved(answer, from);
      if (value === undefined)
        throw new Error(`${fill(step.line, vars)}\n  there is no ${from}\n${text(answer)}`);
      vars.set(name, value);
    }
  }

  #exchange(step: AskStep, vars: ReadonlyMap<string, string>): Promise<Answer> {
    return send(this.#target.endpoint, this.#outgoing(step, vars));
  }

  #outgoing(step: AskStep, vars: ReadonlyMap<string, string>): Outgoing {
    const { given } = step;
    const { endpoint, region, main, alt } = this.#target;
    const [method = "", ...rest] = step.line.split(" ");
    const headers: Record<string, string> = { host: endpoint.host };
    for (const [name, value] of Object.entries(given.headers ?? {}))
      headers[name.toLowerCase()] = fill(value, vars);
    const outgoing: Outgoing = {
      method,
      path: `/${fillLine(rest.join(" "), vars)}`,
      headers,
      body: this.#body(given, vars),
    };
    if (given.form !== undefined) headers["content-type"] ??= FORM_TYPE;
    if (given.md5 ?? isDocument(step, outgoing))
      headers["content-md5"] ??= md5(outgoing.body, "base64");
    const caller = given.as ?? (given.form === undefined ? "main" : "anonymous");
    const credentials = caller === "anonymous" ? undefined : caller === "alt" ? alt : main;
    sign(outgoing, credentials, given.signing ?? {}, region);
    if (outgoing.body.length > 0 || method === "PUT" || method === "POST")
      headers["content-length"] ??= String(outgoing.body.length);
    return outgoing;
  }

  #body(given: Given, vars: ReadonlyMap<string, string>): Uint8Array {
    const { region, main, alt } = this.#target;
    if (given.form !== undefined) {
      const credentials = given.as === "alt" ? alt : main;
      return formBody(given.form, credentials, region, (said) => fill(said, vars));
    }
    return typeof given.body === "string"
      ? bytesOf(fill(given.body, vars))
      : (given.body ?? new Uint8Array());
  }
}

/** Documents that configure a bucket or an object come with a digest, as AWS requires of many. */
function isDocument({ line, given }: AskStep, { method, body }: Outgoing): boolean {
  return (
    method === "PUT" &&
    body.length > 0 &&
    line.includes("?") &&
    !line.includes("uploadId") &&
    given.signing === undefined
  );
}

/** Puts values in the place of their names; names that stand for nothing stay. */
function fill(said: string, vars: ReadonlyMap<string, string>): string {
  return said.replaceAll(/\{(\w+)\}/gu, (whole, name) => vars.get(name) ?? whole);
}

/** The same in a request line, where values in the query are encoded. */
function fillLine(line: string, vars: ReadonlyMap<string, string>): string {
  const [path = "", query] = line.split(/\?(.*)/su);
  if (query === undefined) return fill(path, vars);
  const filled = query.replaceAll(/\{(\w+)\}/gu, (whole, name) => {
    const value = vars.get(name);
    return value === undefined ? whole : encodeURIComponent(value);
  });
  return `${fill(path, vars)}?${filled}`;
}

function saved(answer: Answer, from: string): string | undefined {
  const [kind, path = "", index = "0"] = from.split(" ");
  if (kind === "header") return answer.headers[path]?.toString();
  return find(readXml(answer.body.toString()), path)[Number(index)]?.text;
}
