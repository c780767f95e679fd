import { CairnError } from "@cairnfs/base/errors";
import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from "yaml";

/** One value of a YAML file and where it stands. */
export interface YamlValue {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly line: number;
}

export const YAML_BYTES_MAX = 1024 * 1024;
const DEPTH_MAX = 16;

/**
 * The values of a YAML text in its order. A map is taken apart unless `isLeaf` says that its path is a value of its
 * own. Text that is no YAML or whose top is no map is refused as `invalidConfig`, with file and line.
 */
export function yamlValues(
  text: string,
  file: string,
  isLeaf: (path: readonly string[]) => boolean,
): YamlValue[] {
  if (Buffer.byteLength(text) > YAML_BYTES_MAX) {
    throw new CairnError("invalidConfig", `${file} is over the limit of 1 MiB`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const { line } = lines.linePos(problem.pos[0]);
    throw new CairnError("invalidConfig", `${file}:${line} is not YAML: ${problem.message}`);
  }
  const top = document.contents;
  if (top === null) return [];
  if (!isMap(top)) {
    throw new CairnError(
      "invalidConfig",
      `${file} holds no settings: expected lines of "name: value"`,
    );
  }
  return valuesOf(top, []);

  function valuesOf(map: YAMLMap, path: readonly string[]): YamlValue[] {
    return map.items.flatMap(({ key, value }) => {
      const offset = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
      const at = { path: [...path, String(isScalar(key) ? key.value : key)] };
      if (isMap(value) && !isLeaf(at.path) && at.path.length < DEPTH_MAX) {
        return valuesOf(value, at.path);
      }
      const node = value as { toJS?(of: unknown): unknown } | null;
      return [{ ...at, value: node?.toJS?.(document), line: lines.linePos(offset).line }];
    });
  }
}
