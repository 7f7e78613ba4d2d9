import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { AnyEnvironment } from '../../src/index.ts';
import { connectEnvironment, EnvironmentProcessError } from '../../src/node.ts';

const standIn = fileURLToPath(new URL('stand-in.mjs', import.meta.url));
let environment: AnyEnvironment | undefined;

afterEach(async () => {
  await environment?.close?.();
  environment = undefined;
});

async function connect(fault = 'none', timeoutSeconds = 20): Promise<AnyEnvironment> {
  environment = await connectEnvironment({ command: [process.execPath, standIn, fault], timeoutSeconds });
  return environment;
}

describe('connectEnvironment', () => {
  it('resets and steps an environment in another process', async () => {
    const counter = await connect();
    expect(counter).toMatchObject({
      name: 'counter',
      actions: ['wait', 'go'],
      space: { shape: [2, 3], type: 'uint8' },
    });
    expect((await counter.reset(2)).observation).toEqual(new Uint8Array(6).fill(2));
    const step = await counter.step(1);
    expect(step).toEqual({
      observation: new Uint8Array(6).fill(3),
      reward: 0.5,
      terminated: false,
      truncated: false,
      info: { lives: 3 },
    });
    await counter.step(1);
    expect((await counter.step(1)).terminated).toBe(true);
    await expect(counter.step(0)).rejects.toThrow('outside of an episode; call reset() first');
    expect((await counter.reset()).observation[0]).toBe(0);
    await expect(counter.step(2)).rejects.toThrow('give a whole number from 0 to 1 (wait, go)');
  });

  it.each([
    ['dies', 'ended with exit code 1 before the answer to {"step":1} had come; run the command by hand'],
    ['dies', 'It last said: "the emulator crashed"'],
    ['half', 'before the answer to {"step":1} had come'],
    ['no json', 'wrote a line that is no JSON: "Welcome to the arcade!"'],
    ['no object', 'is no object'],
    ['bytes', 'announces 5 bytes where an observation has 6'],
    ['id', 'does not answer question 2'],
    ['reward', 'has no finite \\"reward\\"'.replaceAll('\\', '')],
    ['ends', 'has no true or false for its end'],
    ['info', 'is not numbers by name'],
    ['error', 'says that it failed'],
    ['endless', "without a line's end"],
  ])('a process that misbehaves (%s) is reported: %s', async (fault, message) => {
    const counter = await connect(fault);
    await counter.reset(1);
    const failed = counter.step(1);
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toBeInstanceOf(EnvironmentProcessError);
    await expect(counter.reset(1)).rejects.toThrow(EnvironmentProcessError);
  });

  it('waits no longer than it was told to', async () => {
    const counter = await connect('silent', 0.5);
    await counter.reset(1);
    await expect(counter.step(1)).rejects.toThrow('has not written the answer to {"step":1} within 0.5 seconds');
  });

  it.each([
    [[process.execPath, standIn, 'dies at once'], 'ended with exit code 3 before its description had come'],
    [[process.execPath, standIn, 'describes nothing'], 'has no "actions"'],
    [['no-such-program-of-ours'], 'did not start'],
    [[], 'no program arrived'],
  ])('a process that does not start is reported', async (command, message) => {
    await expect(connectEnvironment({ command })).rejects.toThrow(message);
  });
});
