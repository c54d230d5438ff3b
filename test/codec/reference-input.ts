/** Plain bytes that every run makes alike, and what lz4-java 1.10.1 and snappy-java 1.1.10.4 made of them. */
import { randomOf } from '../corrupt.js';

export type ReferenceKind = 'words' | 'noise' | 'zeros' | 'mixed';

function words(length: number): Buffer {
  const random = randomOf(length + 1);
  const list = Array.from({ length: 200 }, (_, i) => `w${Math.floor(random() * 1e6).toString(36)}${i % 7}`);
  let text = '';
  while (text.length < length) {
    text += list[Math.floor(random() * random() * 200)]! + (random() < 0.1 ? '\n' : ' ');
    if (random() < 0.2) text += Math.floor(random() * 1e9);
  }
  return Buffer.from(text.slice(0, length), 'latin1');
}

function noise(length: number): Buffer {
  const random = randomOf(length);
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

export function referenceInput(kind: ReferenceKind, length: number): Buffer {
  switch (kind) {
    case 'words':
      return words(length);
    case 'noise':
      return noise(length);
    case 'zeros':
      return Buffer.alloc(length);
    case 'mixed':
      return Buffer.concat([words(length >> 1), noise(length >> 2), Buffer.alloc(length)]).subarray(0, length);
  }
}

/** Input, and the CRC-32 of what the libraries of Cassandra 5.0.9 made of it: LZ4 blocks (fast, high at levels 3 and 9), a Snappy block. */
export const REFERENCE: readonly (readonly [
  kind: ReferenceKind,
  length: number,
  fast: string,
  high3: string,
  high9: string,
  snappy: string,
])[] = [
  ['words', 13, 'f76e1d9a', 'f76e1d9a', 'f76e1d9a', '2a6757d'],
  ['words', 100, 'f6173d9f', 'f6173d9f', 'f6173d9f', '98d296e6'],
  ['words', 4096, 'c05653ca', '33150bee', 'ae8b7cfa', 'c3d70eae'],
  ['words', 16384, '10f49a77', '285adbe6', 'e005c8c3', '6bcbf6d2'],
  ['words', 65536, 'f12e9857', 'd6c900e8', '8301a9a2', '5ff2fbd7'],
  ['words', 65546, '6839615f', '598be3fc', '7368bf6', '680bc474'],
  ['words', 65547, 'dbc76854', 'eb3de5fa', 'ad0ed5a', '602e39df'],
  ['words', 200000, '68677008', '76c8192f', 'cac0231a', 'e0661487'],
  ['noise', 16, 'f3f57c4d', 'f3f57c4d', 'f3f57c4d', '91195a09'],
  ['noise', 16384, 'cb1494b', 'cb1494b', 'cb1494b', '347d22b'],
  ['noise', 65537, '8cba8776', '8cba8776', '8cba8776', '25230a48'],
  ['zeros', 0, 'd202ef8d', 'd202ef8d', 'd202ef8d', 'd202ef8d'],
  ['zeros', 1, 'b1b00ae', 'b1b00ae', 'b1b00ae', 'fe83b325'],
  ['zeros', 12, '1293f23e', '1293f23e', '1293f23e', 'd28a1ae4'],
  ['zeros', 13, 'ef375af4', 'ef375af4', 'ef375af4', '800b355f'],
  ['zeros', 15, 'e2292ab3', 'e2292ab3', 'e2292ab3', '8d6618c4'],
  ['zeros', 16, '91e91b0', '91e91b0', '91e91b0', 'e5525083'],
  ['zeros', 300, '53cf6910', '53cf6910', '53cf6910', '9a878da9'],
  ['zeros', 16384, 'ea932396', 'ea932396', 'ea932396', '400ba00'],
  ['zeros', 131072, 'bbef0611', 'bbef0611', 'bbef0611', 'a75c8f62'],
  ['mixed', 31, 'd8e4421f', 'd8e4421f', 'd8e4421f', '59db6287'],
  ['mixed', 255, '339d32d0', '31a19581', '31a19581', '46515d81'],
  ['mixed', 16384, 'f9009312', '4b349c2a', '7c7ec9d9', '8c3f4341'],
  ['mixed', 65536, 'c07fa098', '464ded89', 'e89723fb', '7ea44eb9'],
  ['mixed', 300001, '49cae413', 'a81056bd', 'f60039a0', '7c599588'],
];
