/** `text` on one line, with control characters written as \xNN: names and keys of a hostile file may hold a terminal's commands. */
export function plainText(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
