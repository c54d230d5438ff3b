/** A thread of `verify`: one SSTable after another. */
import { parentPort } from 'node:worker_threads';
import { InvariantError } from '../../bytes/errors.js';
import type { VerifyReply, VerifyTask } from './pool.js';
import { verifyOne } from './verify-one.js';

const port = parentPort;
if (!port) throw new InvariantError('runs as a worker thread only');
port.on('message', async (task: VerifyTask) => {
  const reply: VerifyReply = await verifyOne(task);
  port.postMessage(reply);
});
