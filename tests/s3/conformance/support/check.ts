import type { AskStep, Want } from "./case.ts";
import { bytesOf } from "./checksums.ts";
import type { Answer } from "./request.ts";
import { type Element, find, readXml } from "./xml.ts";

type Fill = (said: string) => string;

/** What is not as the step wants it; nothing if all is. */
export function check(step: AskStep, answer: Answer, fill: Fill): string | undefined {
  const { want } = step;
  return (
    checkStatus(step, answer) ??
    checkCode(want, answer) ??
    checkHeaders(want, answer, fill) ??
    checkBody(want, answer, fill) ??
    checkXml(want, answer, fill)
  );
}

/** An answer as a failure shows it. */
export function text(answer: Answer): string {
  const headers = Object.entries(answer.headers)
    .filter(([name]) => !["date", "connection", "keep-alive", "x-amz-id-2"].includes(name))
    .map(([name, value]) => `  ${name}: ${value}`);
  return [`  HTTP ${answer.status}`, ...headers, `  ${answer.body.toString().slice(0, 1500)}`].join(
    "\n",
  );
}

function checkStatus(step: AskStep, answer: Answer): string | undefined {
  const wanted = [step.want.status ?? (step.line.startsWith("DELETE") ? 204 : 200)].flat();
  if (wanted.includes(answer.status)) return undefined;
  return `status ${answer.status}, wanted ${wanted.join(" or ")}${step.want.code === undefined ? "" : ` ${step.want.code}`}`;
}

function checkCode(want: Want, answer: Answer): string | undefined {
  if (want.code === undefined) return undefined;
  const code = /<Error>.*?<Code>(.*?)<\/Code>/su.exec(answer.body.toString())?.[1];
  return [want.code].flat().includes(code ?? "") ? undefined : `code ${code}, wanted ${want.code}`;
}

function checkHeaders(want: Want, answer: Answer, fill: Fill): string | undefined {
  for (const [name, wanted] of Object.entries(want.headers ?? {})) {
    const got = answer.headers[name.toLowerCase()]?.toString();
    if (!isAs(got, typeof wanted === "string" ? fill(wanted) : wanted))
      return `header ${name}: ${got}, wanted ${wanted}`;
  }
  return undefined;
}

function checkBody(want: Want, answer: Answer, fill: Fill): string | undefined {
  if (want.body === undefined) return undefined;
  if (want.body instanceof RegExp)
    return want.body.test(answer.body.toString()) ? undefined : `body, wanted ${want.body}`;
  const wanted = bytesOf(typeof want.body === "string" ? fill(want.body) : want.body);
  return answer.body.equals(wanted)
    ? undefined
    : `a body of ${answer.body.length} bytes, wanted ${wanted.length}: ${Buffer.from(wanted.subarray(0, 60))}`;
}

function checkXml(want: Want, answer: Answer, fill: Fill): string | undefined {
  if (want.xml === undefined) return undefined;
  let root: Element;
  try {
    root = readXml(answer.body.toString());
  } catch (error) {
    return String(error);
  }
  for (const [path, wanted] of Object.entries(want.xml)) {
    const found = find(root, path).map((element) => element.text);
    const failure = compare(found, wanted, fill);
    if (failure !== undefined) return `${path}: ${failure}`;
  }
  return undefined;
}

function compare(
  found: readonly string[],
  wanted: readonly string[] | string | RegExp | number,
  fill: Fill,
): string | undefined {
  if (typeof wanted === "number")
    return found.length === wanted ? undefined : `there are ${found.length}, wanted ${wanted}`;
  if (wanted instanceof RegExp)
    return wanted.test(found[0] ?? "") ? undefined : `"${found[0]}", wanted ${wanted}`;
  const all = [wanted].flat().map(fill);
  return JSON.stringify(found) === JSON.stringify(all)
    ? undefined
    : `${JSON.stringify(found)}, wanted ${JSON.stringify(all)}`;
}

function isAs(got: string | undefined, wanted: string | RegExp | null): boolean {
  if (wanted === null) return got === undefined;
  return wanted instanceof RegExp ? wanted.test(got ?? "") : got === wanted;
}
