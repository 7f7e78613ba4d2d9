/**
 * The main entry of every package runs in a browser. This test walks the imports from each of them as a bundler for
 * browsers would resolve them, and reports every path to something that only Node has.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const PACKAGES = fileURLToPath(new URL('../../', import.meta.url));
/** Runs in Node only, as a whole. */
const NODE_ONLY = ['reproduce', 'sweep'];
const CONDITIONS = ['@milestones/source', 'browser', 'import', 'default'];

type Target = string | { [condition: string]: Target };
interface Manifest {
  exports?: Record<string, Target>;
  imports?: Record<string, Target>;
}

const readManifest = (folder: string) =>
  JSON.parse(readFileSync(path.join(PACKAGES, folder, 'package.json'), 'utf8')) as Manifest;

/** The first target whose conditions a browser meets, as Node and bundlers resolve it. */
function resolveTarget(target: Target | undefined): string | undefined {
  if (target === undefined || typeof target === 'string') return target;
  for (const [condition, inner] of Object.entries(target)) {
    const resolved = CONDITIONS.includes(condition) ? resolveTarget(inner) : undefined;
    if (resolved !== undefined) return resolved;
  }
  return undefined;
}

/** The names that a source file imports or re-exports at run time; imports of types alone are erased. */
function importedNames(file: string, text: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      if (node.importClause?.phaseModifier !== ts.SyntaxKind.TypeKeyword) names.push(textOf(node.moduleSpecifier));
    } else if (ts.isExportDeclaration(node)) {
      if (node.moduleSpecifier !== undefined && !node.isTypeOnly) names.push(textOf(node.moduleSpecifier));
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      names.push(textOf(node.arguments[0]!));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true));
  return names;
}

function textOf(node: ts.Node): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  return `<${node.getText()}>`;
}

/** Everything wrong that can be reached from a package's main entry, each with the path that leads there. */
function findNodeOnlyImports(folder: string, read = (file: string) => readFileSync(file, 'utf8')): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  const follow = (file: string, trail: string[]): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const here = [...trail, path.relative(PACKAGES, file)];
    for (const name of importedNames(file, read(file))) {
      const report = (problem: string) => problems.push(`${[...here, name].join(' → ')}: ${problem}`);
      if (isBuiltin(name)) report('only Node has this module');
      else if (name.startsWith('.')) follow(path.resolve(path.dirname(file), name), here);
      else if (name.startsWith('#')) followInside(packageOf(file), 'imports', name, here, report);
      else if (name.startsWith('<')) report('a bundler cannot see which module this is');
      else if (name.startsWith('@milestones/')) {
        const [, other = '', ...rest] = name.split('/');
        const subpath = ['.', ...rest].join('/');
        if (NODE_ONLY.includes(other)) report('this package runs in Node only');
        else if (subpath.startsWith('./node')) report('this entry runs in Node only');
        else followInside(other, 'exports', subpath, here, report);
      }
    }
  };
  const followInside = (
    inside: string,
    field: 'exports' | 'imports',
    key: string,
    here: string[],
    report: (problem: string) => void,
  ): void => {
    const target = resolveTarget(readManifest(inside)[field]?.[key]);
    if (target === undefined) report(`no entry of ${inside}/package.json offers it to a browser`);
    else follow(path.join(PACKAGES, inside, target), here);
  };
  followInside(folder, 'exports', '.', [], (problem) => problems.push(`${folder}: ${problem}`));
  return problems;
}

const packageOf = (file: string) => path.relative(PACKAGES, file).split(path.sep)[0]!;

const browserPackages = readdirSync(PACKAGES).filter(
  (folder) => !NODE_ONLY.includes(folder) && existsSync(path.join(PACKAGES, folder, 'src/index.ts')),
);

describe('every main entry runs in a browser', () => {
  it('and all packages are looked at', () => {
    expect(browserPackages).toEqual(expect.arrayContaining(['backend', 'core', 'datasets', 'gpt-mini']));
  });

  it.each(browserPackages)('%s', (folder) => {
    expect(findNodeOnlyImports(folder)).toEqual([]);
  });
});

describe('the walker', () => {
  const withEntry = (text: string) => (file: string) =>
    file === path.join(PACKAGES, 'gpt-mini/src/index.ts') ? text : 'export {};';

  it.each([
    ["import fs from 'node:fs';", 'only Node has this module'],
    ["export { readFile } from 'fs/promises';", 'only Node has this module'],
    ["const os = await import('os');", 'only Node has this module'],
    ["import { loadCheckpoint } from '@milestones/core/node';", 'this entry runs in Node only'],
    ["import { reproduce } from '@milestones/reproduce';", 'this package runs in Node only'],
    ["import x from '#nowhere';", 'no entry of gpt-mini/package.json offers it to a browser'],
    ['const module = await import(name);', 'a bundler cannot see which module this is'],
  ])('reports %s', (text, problem) => {
    const problems = findNodeOnlyImports('gpt-mini', withEntry(text));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^gpt-mini\/src\/index\.ts → /);
    expect(problems[0]).toContain(problem);
  });

  it('reports the path to an import that is far away', () => {
    const entry = path.join(PACKAGES, 'gpt-mini/src/index.ts');
    const far = path.join(PACKAGES, 'gpt-mini/src/far.ts');
    const read = (file: string) =>
      ({ [entry]: "export * from './far.ts';", [far]: "import 'node:fs';" })[file] ?? 'export {};';
    expect(findNodeOnlyImports('gpt-mini', read)).toEqual([
      'gpt-mini/src/index.ts → gpt-mini/src/far.ts → node:fs: only Node has this module',
    ]);
  });

  it('ignores types, comments and strings', () => {
    const text = `
      import type { Stats } from 'node:fs';
      export type { Server } from 'node:http';
      // import fs from 'node:fs';
      const advice = "import fs from 'node:fs'";`;
    expect(findNodeOnlyImports('gpt-mini', withEntry(text))).toEqual([]);
  });

  it('takes the browser’s side of a conditional import', () => {
    const seen: string[] = [];
    findNodeOnlyImports('backend', (file) => {
      seen.push(path.basename(file));
      return readFileSync(file, 'utf8');
    });
    expect(seen).toContain('platform.browser.ts');
    expect(seen).not.toContain('platform.node.ts');
  });
});
