import { isIP } from "node:net";

/** An IP address as its bytes: 4, or 16. IPv4 within IPv6 is IPv4. */
function addressBytes(text: string): readonly number[] | undefined {
  switch (isIP(text)) {
    case 4:
      return text.split(".").map(Number);
    case 6: {
      const bytes = bytesOfV6(text);
      const isMapped =
        bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
      return isMapped ? bytes.slice(12) : bytes;
    }
    default:
      return undefined;
  }
}

function bytesOfV6(text: string): number[] {
  const plain = text.replace(/%.*$/u, "").replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/u, (_, ...found) => {
    const [a = 0, b = 0, c = 0, d = 0] = found.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::");
  const front = groups(head);
  if (tail === undefined) return front;
  const back = groups(tail);
  return [...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back];
}

function groups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    const word = Number.parseInt(group, 16);
    return [word >> 8, word & 0xff];
  });
}

interface AddressRange {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** "10.0.0.0/8", "2001:db8::/32", or one address; undefined when it is none of these. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = "", prefix, ...more] = text.split("/");
  const bytes = addressBytes(address);
  if (bytes === undefined || more.length > 0) return undefined;
  const bitsMax = bytes.length * 8;
  if (prefix === undefined) return { bytes, bits: bitsMax };
  const bits = /^\d{1,3}$/u.test(prefix) ? Number(prefix) : bitsMax + 1;
  return bits <= bitsMax ? { bytes, bits } : undefined;
}

/** Whether an address is in a range. */
export function isSameAddress(given: string, wanted: string): boolean {
  const range = parseRange(wanted);
  const bytes = addressBytes(given);
  if (range === undefined || bytes === undefined || bytes.length !== range.bytes.length)
    return false;
  for (let bit = 0; bit < range.bits; bit += 8) {
    const mask = 0xff & (0xff << Math.max(0, 8 - (range.bits - bit)));
    const at = bit / 8;
    if (((bytes[at] ?? 0) & mask) !== ((range.bytes[at] ?? 0) & mask)) return false;
  }
  return true;
}
