/** scripts/reproduce.mjs in a small repository of two made-up milestones. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import typescript from 'typescript';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './toy-command.ts';

const root = new URL('../../../', import.meta.url);
const { ModuleKind, ScriptTarget, transpileModule } = typescript;

function writeMilestone(folder: string, name: string, main: string): void {
  mkdirSync(join(folder, 'packages', name, 'presets'), { recursive: true });
  mkdirSync(join(folder, 'packages', name, 'dist'));
  writeFileSync(join(folder, 'packages', name, 'package.json'), `{"type":"module","description":"about ${name}"}`);
  writeFileSync(
    join(folder, 'packages', name, 'presets', 'quick.json'),
    '{"preset":"quick","minutes":1,"why":"a trial"}',
  );
  writeFileSync(join(folder, 'packages', name, 'dist', 'reproduce.js'), main);
}

function repository(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'scripts'));
  copyFileSync(new URL('scripts/reproduce.mjs', root), join(folder, 'scripts', 'reproduce.mjs'));
  mkdirSync(join(folder, 'packages', 'reproduce', 'dist'), { recursive: true });
  writeFileSync(join(folder, 'packages', 'reproduce', 'package.json'), '{"type":"module"}');
  for (const name of ['table', 'target-table']) {
    const source = readFileSync(new URL(`packages/reproduce/src/${name}.ts`, root), 'utf8').replaceAll(".ts'", ".js'");
    const compilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022, verbatimModuleSyntax: true };
    const { outputText } = transpileModule(source, { compilerOptions });
    writeFileSync(join(folder, 'packages', 'reproduce', 'dist', `${name}.js`), outputText);
  }
  writeMilestone(folder, 'broken', "export async function main() { throw new Error('it broke'); }");
  const target = {
    metric: 'loss',
    claim: 'learns well',
    paper: null,
    published: null,
    expected: [0, 1],
    measured: 0.5,
    pass: true,
  };
  writeMilestone(
    folder,
    'sound',
    `import { mkdirSync, writeFileSync } from 'node:fs';
     export async function main(argv) {
       if (argv.includes('--stop')) return 130;
       mkdirSync('runs/sound/a', { recursive: true });
       writeFileSync('runs/sound/a/summary.json', '${JSON.stringify({ targets: [target] })}');
       console.log('arguments ' + argv.join(' '));
       return 0;
     }`,
  );
  return folder;
}

describe('pnpm reproduce', () => {
  const folder = () => repository();
  const run = (at: string, ...argv: string[]) =>
    spawnSync(process.execPath, [join(at, 'scripts', 'reproduce.mjs'), ...argv], { cwd: at, encoding: 'utf8' });

  it('lists milestones, runs one, and refuses what it does not know', () => {
    const at = folder();
    const list = run(at);
    expect([list.status, list.stdout]).toEqual([
      0,
      expect.stringMatching(/sound: about sound\n +quick +1 min +a trial/),
    ]);
    const one = run(at, 'sound', '--', '--preset', 'quick');
    expect([one.status, one.stdout]).toEqual([0, 'arguments --preset quick\n']);
    expect(run(at, 'sound', '--stop').status).toBe(130);
    const unknown = run(at, 'sond');
    expect([unknown.status, unknown.stderr]).toEqual([
      2,
      expect.stringContaining('no milestone called "sond"; choose from broken, sound, all'),
    ]);
  });

  it('runs all in spite of a failure, shows every claim, and fails', () => {
    const { status, stdout, stderr } = run(folder(), 'all', '--preset', 'quick');
    expect(status).toBe(1);
    expect(stderr).toContain('it broke');
    expect(stdout).toContain('arguments --preset quick');
    expect(stdout).toMatch(/broken +ended with exit code 1 before its report +NO/);
    expect(stdout).toMatch(/sound +learns well +0 to 1 +0\.5 +yes/);
    expect(stdout).toContain('Failed: broken.');
  });
});
