/** What happens when the worker fails, with stand-ins for ONNX Runtime that fail on purpose. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RuntimeLostError } from '../../src/runtime/errors.ts';
import { placeState } from '../../src/runtime/places.node.ts';
import { Session } from '../../src/runtime/session.node.ts';
import { startWorker, type WorkerCarrier } from '../../src/runtime/worker-carrier.node.ts';
import { float32 } from './models.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'milestones-worker-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A binding whose sessions have one state, and whose runs do what `run` says. */
function standIn(name: string, { run = '', load = '' }): string {
  const file = path.join(folder, `${name}.cjs`);
  const state = "{ type: 1, shape: [1], symbolicDimensions: [''] }";
  const program = `
    ${load}
    class InferenceSession {
      inputMetadata = [{ name: 'weights', ...${state} }];
      outputMetadata = [{ name: 'weights.next', ...${state} }];
      loadModel() {}
      run(feeds, fetches) { ${run}; fetches['weights.next'].data[0] = feeds.weights.data[0] + 1; return {}; }
      dispose() {}
    }
    exports.binding = { InferenceSession, initOrtOnce() {} };
    exports.initOrt = () => {};
  `;
  writeFileSync(file, program);
  return file;
}

const slots = [{ input: 'weights', output: 'weights.next', initial: float32([5]) }];

async function startSession(carrier: WorkerCarrier): Promise<Session> {
  const places = placeState(slots);
  return new Session(1, carrier, await carrier.create(1, new Uint8Array(1), {}, places), slots, places, false);
}

describe('a worker', () => {
  it('runs with a stand-in that does not fail', async () => {
    const carrier = await startWorker(standIn('fine', {}));
    const session = await startSession(carrier);
    await session.run({});
    expect(session.readState('weights')).toEqual(Float32Array.of(6));
    await session.dispose();
    await carrier.end();
  });

  it('that exits during a run makes this run and all later ones fail', async () => {
    const carrier = await startWorker(standIn('leaves', { run: 'process.exit(7)' }));
    const session = await startSession(carrier);
    const runs = [session.run({}), session.run({}), session.run({})];
    for (const { status, reason } of (await Promise.allSettled(runs)) as PromiseRejectedResult[]) {
      expect(status).toBe('rejected');
      expect(reason).toBeInstanceOf(RuntimeLostError);
      expect(String(reason)).toContain('the worker thread that runs ONNX Runtime is gone: it exited with code 7.');
    }
    await expect(session.run({})).rejects.toThrow('continue from a checkpoint');
    await expect(carrier.create(2, new Uint8Array(1), {}, [])).rejects.toThrow(RuntimeLostError);
    expect(() => session.readState('weights')).toThrow(RuntimeLostError);
    await session.dispose();
    await carrier.end();
  });

  it('that exits during a run does not leave a reader of its state waiting', async () => {
    const carrier = await startWorker(standIn('exits', { run: 'process.exit(1)' }));
    const session = await startSession(carrier);
    const outcome = session.run({}).catch((error: unknown) => error);
    expect(() => session.readState('weights')).toThrow(RuntimeLostError);
    expect(await outcome).toBeInstanceOf(RuntimeLostError);
    await carrier.end();
  });

  it('that ends between runs takes the state with it, and says so', async () => {
    const later = "setTimeout(() => { throw new Error('late'); }, 20)";
    const carrier = await startWorker(standIn('later', { run: later }));
    const session = await startSession(carrier);
    await session.run({});
    // Something must keep the process alive until the worker has gone: an idle worker does not.
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (carrier.failure === undefined) return;
        clearInterval(timer);
        resolve();
      }, 5);
    });
    expect(carrier.failure!.message).toContain('late');
    expect(() => session.readState('weights')).toThrow(RuntimeLostError);
    await expect(session.run({})).rejects.toThrow(RuntimeLostError);
    await carrier.end();
  });

  it('answers a call of abort with an error: only a whole process can abort', async () => {
    const carrier = await startWorker(standIn('aborts', { run: 'process.abort()' }));
    const session = await startSession(carrier);
    await expect(session.run({})).rejects.toThrow('process.abort() is not supported in workers');
    expect(session.readState('weights')).toEqual(Float32Array.of(5));
    await session.dispose();
    await carrier.end();
  });

  it.each([
    [
      'cannot be loaded',
      "throw new Error('libonnxruntime.so.1: cannot open shared object file');",
      'cannot open shared',
    ],
    ['exits while it is loaded', 'process.exit(3);', 'it exited with code 3'],
  ])('whose binding %s does not start', async (name, load, message) => {
    await expect(startWorker(standIn(name, { load }))).rejects.toThrow(message);
  });

  it('whose binding is missing does not start', async () => {
    await expect(startWorker(path.join(folder, 'nothing.cjs'))).rejects.toThrow('Cannot find module');
  });
});
