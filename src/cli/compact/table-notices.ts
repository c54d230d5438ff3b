/** Notices that hold for several tables alike, each told in one line, however many the tables are. */

const NAMED = 3;

export class TableNotices {
  private readonly tables = new Map<string, string[]>();

  add(table: string, message: string): void {
    const names = this.tables.get(message) ?? [];
    names.push(table);
    this.tables.set(message, names);
  }

  /** Each message once, in the order in which they first came; what was told is forgotten. */
  tellTo(tell: (line: string) => void): void {
    for (const [message, names] of this.tables) tell(`${namesText(names)}: ${message}`);
    this.tables.clear();
  }
}

/** `a, b and c`, `a, b, c and 4 more tables` */
function namesText(names: readonly string[]): string {
  const rest = names.length - NAMED;
  if (rest > 1) return `${names.slice(0, NAMED).join(', ')} and ${rest} more tables`;
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`;
}
