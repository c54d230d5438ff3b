/** A thread of `verify`: one SSTable after another, or slices of one as long as there are any. */
import { parentPort } from 'node:worker_threads';
import { InvariantError } from '../../bytes/errors.js';
import { type ThreadTask, takeTasks } from './pool.js';
import { helpWithSlices, type SlicesTask } from './slices.js';

const port = parentPort;
if (!port) throw new InvariantError('runs as a worker thread only');
port.on('message', async (task: ThreadTask | SlicesTask) => {
  if ('tasks' in task) return takeTasks(task, (reply) => task.port.postMessage(reply));
  const reply = await helpWithSlices(task);
  const bits = 'bits' in reply ? [reply.bits.buffer as ArrayBuffer] : [];
  port.postMessage(reply, bits);
});
