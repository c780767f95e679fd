import { expect, test } from "vitest";
import { pieceRanges, resolveRange } from "./range.ts";

test("a range is cut off at the end of the file, and negative offsets count from it", () => {
  expect(resolveRange({}, 10)).toEqual({ startBytes: 0, endBytes: 10 });
  expect(resolveRange({ offsetBytes: 4, lengthBytes: 100 }, 10)).toEqual({
    startBytes: 4,
    endBytes: 10,
  });
  expect(resolveRange({ offsetBytes: -3 }, 10)).toEqual({ startBytes: 7, endBytes: 10 });
  expect(resolveRange({ offsetBytes: -30 }, 10)).toEqual({ startBytes: 0, endBytes: 10 });
  expect(resolveRange({ offsetBytes: 10 }, 10)).toEqual({ startBytes: 10, endBytes: 10 });
});

test("what is not a range of the file is refused", () => {
  for (const range of [{ offsetBytes: 11 }, { lengthBytes: -1 }, { offsetBytes: 0.5 }]) {
    expect(() => resolveRange(range, 10)).toThrow(/are not in a file of 10/u);
  }
});

test("pieces are cut at multiples of their size and cover the range", () => {
  expect(pieceRanges(0, 0, 100)).toEqual([]);
  expect(pieceRanges(50, 250, 100)).toEqual([
    { offsetBytes: 50, lengthBytes: 50 },
    { offsetBytes: 100, lengthBytes: 100 },
    { offsetBytes: 200, lengthBytes: 50 },
  ]);
  expect(pieceRanges(100, 101, 100)).toEqual([{ offsetBytes: 100, lengthBytes: 1 }]);
});
