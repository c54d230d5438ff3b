/** Records of RFC 4180; `null` for a field that is empty and not quoted. @throws Error where the text is anything else */
export function parseCsv(text: string): (string | null)[][] {
  const records: (string | null)[][] = [];
  const field = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/gy;
  let record: (string | null)[] = [];
  for (let match = field.exec(text); match; match = field.exec(text)) {
    const [, value = '', separator] = match;
    record.push(value === '' ? null : value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value);
    if (separator === '\r\n') {
      records.push(record);
      record = [];
    }
    if (field.lastIndex === text.length) return records;
  }
  throw new Error('not CSV');
}
