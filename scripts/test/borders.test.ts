import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** A file, one import in it, and whether the borders between packages allow that import. */
const imports: [file: string, imported: string, allowed: boolean][] = [
  ['packages/backend/src/a.ts', '@tensorflow/tfjs', true],
  ['packages/backend/src/b.ts', 'node:fs', false],
  ['packages/backend/src/c.ts', '@milestones/core', false],
  ['packages/backend/src/node/a.ts', 'node:fs', true],
  ['packages/backend/src/node/b.ts', '@milestones/core', false],
  ['packages/backend/test/a.test.ts', '@tensorflow/tfjs', true],
  ['packages/core/src/a.ts', '@milestones/backend', true],
  ['packages/core/src/b.ts', '@tensorflow/tfjs', false],
  ['packages/core/src/c.ts', '@tensorflow/tfjs-core', false],
  ['packages/core/src/layers/d.ts', 'node:path', false],
  ['packages/core/src/e.ts', './node/save-file.ts', false],
  ['packages/core/src/f.ts', '@milestones/datasets', false],
  ['packages/core/src/g.ts', '@milestones/backend/node', false],
  ['packages/core/src/h.ts', './load-bytes.node.ts', false],
  ['packages/core/src/load-bytes.node.ts', 'node:fs', true],
  ['packages/core/src/node.ts', './node/save-file.ts', true],
  ['packages/core/src/node/a.ts', 'node:fs', true],
  ['packages/core/src/node/b.ts', '@tensorflow/tfjs', false],
  ['packages/core/test/a.test.ts', '@tensorflow/tfjs', false],
  ['packages/datasets/src/a.ts', '@milestones/core', true],
  ['packages/datasets/src/b.ts', '@milestones/gpt-mini', false],
  ['packages/datasets/src/c.ts', 'node:fs', false],
  ['packages/datasets/src/node/a.ts', '@milestones/core/node', true],
  ['packages/reproduce/src/a.ts', 'node:fs', true],
  ['packages/reproduce/src/b.ts', '@milestones/core/node', true],
  ['packages/reproduce/src/c.ts', '@milestones/datasets', false],
  ['packages/reproduce/src/d.ts', '@milestones/gpt-mini', false],
  ['packages/reproduce/src/e.ts', '@tensorflow/tfjs', false],
  ['packages/sweep/src/a.ts', 'node:fs', true],
  ['packages/sweep/src/b.ts', '@milestones/reproduce', true],
  ['packages/sweep/src/c.ts', '@milestones/core/search', true],
  ['packages/sweep/src/d.ts', '@milestones/gpt-mini', false],
  ['packages/reproduce/src/f.ts', '@milestones/sweep', false],
  ['packages/gpt-mini/src/a.ts', '@milestones/datasets', true],
  ['packages/gpt-mini/src/b.ts', '@milestones/reproduce', false],
  ['packages/gpt-mini/src/c.ts', '@milestones/bert-mini', false],
  ['packages/gpt-mini/src/d.ts', 'node:fs', false],
  ['packages/gpt-mini/src/e.ts', './reproduce.ts', false],
  ['packages/gpt-mini/src/f.ts', 'vitest', false],
  ['packages/gpt-mini/src/reproduce.ts', '@milestones/reproduce', true],
  ['packages/simclr/src/model.ts', '@milestones/resnet', true],
  ['packages/simclr/src/train.ts', '@milestones/resnet', false],
  ['packages/gpt-mini/src/cli.ts', 'node:process', true],
  ['scripts/a.mjs', 'node:fs', true],
];

describe('the linter', () => {
  let folder = '';
  let offenders = new Set<string>();

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'milestones-borders-'));
    cpSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    for (const [file, imported] of imports) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `import { thing } from '${imported}';\nexport const value = thing;\n`);
    }
    const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
    const run = spawnSync(process.execPath, [oxlint, '--format=json', '.'], { cwd: folder, encoding: 'utf8' });
    const report = JSON.parse(run.stdout) as { diagnostics: { code: string; filename: string }[] };
    const found = report.diagnostics.filter((one) => one.code === 'eslint(no-restricted-imports)');
    offenders = new Set(found.map((one) => relative(folder, resolve(folder, one.filename)).replaceAll('\\', '/')));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  for (const [file, imported, allowed] of imports) {
    it(`${allowed ? 'lets' : 'forbids'} ${file} import ${imported}`, () => {
      expect(offenders.has(file)).toBe(!allowed);
    });
  }
});

/** Import specifiers of one source file that survive to JavaScript, static or dynamic, without type-only ones. */
function runtimeImports(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ESNext, true);
  const specifiers: string[] = [];
  const visit = (node: ts.Node): void => {
    const typeOnly =
      (ts.isImportDeclaration(node) && node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword) ||
      (ts.isExportDeclaration(node) && node.isTypeOnly);
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier && !typeOnly) {
      if (ts.isStringLiteral(node.moduleSpecifier)) specifiers.push(node.moduleSpecifier.text);
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteralLike(argument)) specifiers.push(argument.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return specifiers;
}

/** The source file that a browser gets for a package's own `#name` import. */
function browserFile(importer: string, specifier: string): string {
  const [, packages, name] =
    relative(root, importer)
      .replaceAll('\\', '/')
      .match(/^(packages)\/([^/]+)\//) ?? [];
  const folder = join(root, packages ?? '', name ?? '');
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    imports: Record<string, { '@milestones/source': { default: string } }>;
  };
  const file = manifest.imports[specifier]?.['@milestones/source'].default;
  if (!file) throw new Error(`${name}: package.json has no browser source for ${specifier}.`);
  return join(folder, file);
}

/** Chains of files from an entry to each `node:` import that can be reached from it, across our packages. */
function pathsToNode(entry: string): string[] {
  const chains: string[] = [];
  const seen = new Set<string>();
  const walk = (file: string, chain: string[]): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const here = [...chain, relative(root, file)];
    for (const specifier of runtimeImports(file)) {
      if (specifier.startsWith('node:')) chains.push([...here, specifier].join(' → '));
      else if (specifier.startsWith('.')) walk(resolve(dirname(file), specifier), here);
      else if (specifier.startsWith('#')) walk(browserFile(file, specifier), here);
      else if (specifier.startsWith('@milestones/')) {
        const [, name = '', ...subpath] = specifier.split('/');
        walk(join(root, 'packages', name, 'src', `${subpath.join('/') || 'index'}.ts`), here);
      }
    }
  };
  walk(entry, []);
  return chains;
}

describe('the main entry of', () => {
  const browserPackages = readdirSync(join(root, 'packages')).filter(
    (name) => !['reproduce', 'sweep'].includes(name) && existsSync(join(root, 'packages', name, 'package.json')),
  );
  for (const name of browserPackages) {
    it(`${name} reaches no node: import, so that it loads in a browser`, () => {
      expect(pathsToNode(join(root, 'packages', name, 'src/index.ts'))).toEqual([]);
    });
  }
});

describe('the lock file', () => {
  it('names no registry host, so that it installs from whichever registry the user has', () => {
    expect(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8')).not.toMatch(/https?:\/\/|tarball:/);
  });
});
