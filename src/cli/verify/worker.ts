/** A thread of `verify`: one SSTable after another, or slices of one as long as there are any. */
import { parentPort } from 'node:worker_threads';
import { InvariantError } from '../../bytes/errors.js';
import type { VerifyReply, VerifyTask } from './pool.js';
import { gatherSlices, type SlicesReply, type SlicesTask } from './slices.js';
import { verifyOne } from './verify-one.js';

const port = parentPort;
if (!port) throw new InvariantError('runs as a worker thread only');
port.on('message', async (task: VerifyTask | SlicesTask) => {
  const reply: VerifyReply | SlicesReply = 'counter' in task ? await gatherSlices(task) : await verifyOne(task);
  const { bits } = reply as { readonly bits?: Uint8Array<ArrayBuffer> };
  port.postMessage(reply, bits ? [bits.buffer] : []);
});
