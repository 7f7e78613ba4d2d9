/** Runs in processes of their own, which receive real signals. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { onlyRun, runToy, temporaryFolder } from './toy-command.ts';

const program = fileURLToPath(new URL('./toy/run.mjs', import.meta.url));

interface Started {
  child: ChildProcess;
  output(): string;
  ended: Promise<number | null>;
}

function startToy(...argv: string[]): Started {
  const child = spawn(process.execPath, ['--conditions=@milestones/source', program, '--backend', 'cpu', ...argv]);
  let output = '';
  child.stdout.on('data', (text) => (output += String(text)));
  child.stderr.on('data', (text) => (output += String(text)));
  return { child, output: () => output, ended: new Promise((done) => child.once('close', done)) };
}

/** Waits until the metrics file of the only run has `lines` lines. */
async function metricsLines(out: string, lines: number): Promise<void> {
  for (;;) {
    if (existsSync(join(out, 'toy')) && readdirSync(join(out, 'toy')).some((name) => name.startsWith('quick'))) {
      const path = join(onlyRun(out), 'metrics.jsonl');
      if (existsSync(path) && readFileSync(path, 'utf8').split('\n').length > lines) return;
    }
    await new Promise((done) => setTimeout(done, 10));
  }
}

describe('a process that is stopped', () => {
  it('by SIGINT or by SIGKILL, can be resumed and ends as if nothing had happened', async () => {
    const [undisturbed, stopped] = [temporaryFolder(), temporaryFolder()];
    const pause = ['--set', 'pauseMilliseconds=15'];
    const first = startToy('--preset', 'quick', ...pause, '--out', stopped);
    await metricsLines(stopped, 3);
    first.child.kill('SIGINT');
    expect([await first.ended, first.output()]).toEqual([130, expect.stringContaining('Stopping after this step')]);
    const folder = onlyRun(stopped);
    expect(first.output()).toContain(`Stopped. Continue with: pnpm reproduce toy --resume ${folder}`);
    expect(existsSync(join(folder, 'run.lock'))).toBe(false);
    expect(readdirSync(join(folder, 'checkpoints')).length).toBeGreaterThan(0);

    const second = startToy('--resume', '--out', stopped);
    await metricsLines(stopped, 30);
    second.child.kill('SIGKILL');
    await second.ended;
    expect(second.output()).toContain('Continuing at step');
    expect(existsSync(join(folder, 'run.lock'))).toBe(true);

    await runToy('--preset', 'quick', '--out', undisturbed, '--backend', 'cpu');
    const third = await runToy('--resume', folder);
    expect([third.code, third.stderr]).toEqual([0, expect.not.stringContaining('Error')]);
    for (const name of ['metrics.jsonl', 'checkpoints/step-000060/model.safetensors', 'samples/line.txt']) {
      const [expected, found] = [onlyRun(undisturbed), folder].map((run) => readFileSync(join(run, name), 'latin1'));
      expect(found).toBe(expected);
    }
  });
});
