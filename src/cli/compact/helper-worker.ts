/** The thread of `helper-thread.ts`: does what there is to do, writing first, and sleeps at its bell when there is nothing. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Bell } from './bell.js';
import type { HelperInit, HelperWork } from './helper-thread.js';
import { ReadAheadJob } from './read-ahead.js';
import { WriteDataJob } from './write-data.js';

const { bell: shared, port } = workerData as HelperInit;
const bell = new Bell(shared);

/** Steps after which what goes on in the background may report. */
const TURN_STEPS = 64;

async function serve(): Promise<void> {
  let writing: WriteDataJob | undefined;
  let reading: ReadAheadJob | undefined;
  for (let steps = 1; ; steps++) {
    if (steps % TURN_STEPS === 0) await nextTurn();
    const { rings } = bell;
    const work = receiveMessageOnPort(port)?.message as HelperWork | undefined;
    if (work?.kind === 'read') {
      reading?.close();
      reading = await ReadAheadJob.open(work, bell);
    } else if (work) {
      writing = await WriteDataJob.open(work, bell, (message) => port.postMessage(message));
    }
    if (!work && !writing?.step() && !reading?.step()) bell.sleep(rings);
    if (writing?.isOver) writing = undefined;
    if (reading?.isOver) reading = undefined;
  }
}

void serve();
