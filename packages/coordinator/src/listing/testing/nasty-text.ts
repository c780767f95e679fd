import { present } from "@cairnfs/base/assert";
import type { Random } from "@cairnfs/base/random";

/** What sorts in the wrong place when somebody is careless: around "/", beyond ASCII, beyond 16 bits, and next to nothing. */
const LETTERS = ["", "/", "a", "!", "0", "é", "😀", "\u0001", "-", "\uffff"];

/** A text of at most so many letters that are good at finding mistakes. */
export function nastyText(random: Random, lettersMax: number): string {
  let text = "";
  for (let left = Math.floor(random.next() * (lettersMax + 1)); left > 0; left--) {
    text += present(LETTERS[Math.floor(random.next() * LETTERS.length)], "a letter");
  }
  return text;
}
