import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { restoreRemovedUtilities } from '../../src/engines/platform.node.ts';
import {
  findPackageFolder,
  inspectTensorflowPackage,
  loadTensorflowPackage,
} from '../../src/engines/tensorflow-package.node.ts';

const NAME = '@tensorflow/tfjs-node';
const VERSION = '4.22.0';

let project = '';
let folder = '';
beforeAll(() => {
  project = mkdtempSync(path.join(os.tmpdir(), 'milestones-engines-'));
});
afterAll(() => rmSync(project, { recursive: true }));
beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(project, 'project-')), 'node_modules', NAME);
});

/** Writes a package that looks like tfjs-node: its add-on is the text file `binding`, its code is `code`. */
function installPackage({ version = VERSION, napi = 8, binding = true, code = '' } = {}): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: NAME, version, main: 'index.js' }));
  writeFileSync(path.join(folder, 'index.js'), code);
  if (!binding) return;
  mkdirSync(path.join(folder, 'lib', `napi-v${napi}`), { recursive: true });
  writeFileSync(path.join(folder, 'lib', `napi-v${napi}`, 'tfjs_binding.node'), '');
}

const projectRequire = () => createRequire(path.join(folder, '../../..', 'package.json'));
const load = (loader?: (folder: string) => unknown) =>
  loadTensorflowPackage(findPackageFolder(NAME, projectRequire()), NAME, VERSION, loader ?? projectRequire());

describe('findPackageFolder', () => {
  it('finds an installed package without running it', () => {
    expect(findPackageFolder(NAME, projectRequire())).toBeUndefined();
    installPackage({ code: 'throw new Error("it ran")' });
    expect(findPackageFolder(NAME, projectRequire())).toBe(folder);
  });
});

describe('inspectTensorflowPackage', () => {
  it('tells the states apart', () => {
    expect(inspectTensorflowPackage(undefined, VERSION)).toEqual({ state: 'missing' });
    expect(inspectTensorflowPackage(folder, VERSION)).toEqual({ state: 'missing' });
    installPackage({ binding: false });
    expect(inspectTensorflowPackage(folder, VERSION, 9)).toEqual({
      state: 'binding missing',
      version: VERSION,
      expected: path.join(folder, 'lib/napi-v8/tfjs_binding.node'),
    });
    installPackage();
    expect(inspectTensorflowPackage(folder, VERSION, 9).state).toBe('present');
    expect(inspectTensorflowPackage(folder, '4.23.0', 9)).toEqual({ state: 'wrong version', version: VERSION });
  });

  it('looks for the add-on of an older N-API where Node has no newer one', () => {
    installPackage({ napi: 6 });
    expect(inspectTensorflowPackage(folder, VERSION, 6).state).toBe('present');
    expect(inspectTensorflowPackage(folder, VERSION, 8).state).toBe('binding missing');
  });
});

describe('loadTensorflowPackage', () => {
  it('says that the package is missing, and how to install it', () => {
    expect(load()).toEqual({
      usable: false,
      reason: `the package ${NAME} is not installed.`,
      remedy: `Install it with: npm install ${NAME}@${VERSION}`,
    });
  });

  it('says that the version is wrong, and which one to install', () => {
    installPackage({ version: '4.20.0' });
    expect(load()).toEqual({
      usable: false,
      reason: `${NAME} is version 4.20.0, and this program uses tfjs ${VERSION}.`,
      remedy: `Install it with: npm install ${NAME}@${VERSION}`,
    });
  });

  it('says that the add-on is missing, before any code of the package runs', () => {
    installPackage({ binding: false, code: 'throw new Error("it ran")' });
    const result = load();
    expect(result).toMatchObject({ usable: false });
    expect(result).toHaveProperty(
      'reason',
      expect.stringMatching(/native add-on is not: there is no file .*tfjs_binding\.node\.$/),
    );
    expect(result).toHaveProperty('remedy', expect.stringContaining(`npm rebuild ${NAME}`));
    expect(result).toHaveProperty('remedy', expect.stringContaining('TFJS_NODE_CDN_STORAGE'));
  });

  it.each([
    [
      'libtensorflow.so.2: cannot open shared object file: No such file or directory',
      /the shared library libtensorflow\.so\.2 is missing\.$/,
      /npm rebuild/,
    ],
    [
      'libcudart.so.11.0: cannot open shared object file: No such file or directory',
      /the shared library libcudart\.so\.11\.0 is missing\.$/,
      /^Install libcudart\.so\.11\.0 on this system\.$/,
    ],
    [
      'dlopen(/x/tfjs_binding.node, 0x0001): Library not loaded: @rpath/libtensorflow.2.dylib\n  Referenced from: /x',
      /the shared library libtensorflow\.2\.dylib is missing\.$/,
      /npm rebuild/,
    ],
    [
      "/lib/x86_64-linux-gnu/libm.so.6: version `GLIBC_2.38' not found (required by /x/libtensorflow.so.2)",
      /this system is too old for it: it needs GLIBC_2\.38\.$/,
      /newer release of the operating system/,
    ],
    [
      '/x/tfjs_binding.node: invalid ELF header',
      /built for another processor or is damaged \(.*invalid ELF header\)\.$/,
      /npm rebuild/,
    ],
    [
      'The specified module could not be found.',
      /does not load: The specified module could not be found\.$/,
      /npm rebuild/,
    ],
  ])('explains a failing load: %s', (message, reason, remedy) => {
    installPackage({ code: `throw new Error(${JSON.stringify(message)})` });
    const result = load();
    expect(result).toMatchObject({ usable: false });
    expect(result).toHaveProperty('reason', expect.stringMatching(reason));
    expect(result).toHaveProperty('remedy', expect.stringMatching(remedy));
  });

  it('reports what the system says of an add-on that is no library', () => {
    installPackage({ code: 'require("./lib/napi-v8/tfjs_binding.node")' });
    expect(load()).toHaveProperty(
      'reason',
      expect.stringMatching(/^the native add-on of @tensorflow\/tfjs-node does not load: /),
    );
  });

  it('loads a sound package', () => {
    installPackage({ code: 'globalThis.milestonesTestLoads = (globalThis.milestonesTestLoads ?? 0) + 1' });
    expect(load()).toEqual({ usable: true, version: VERSION });
    expect((globalThis as { milestonesTestLoads?: number }).milestonesTestLoads).toBe(1);
  });
});

describe('restoreRemovedUtilities', () => {
  it('adds what Node 23 removed, and replaces nothing', () => {
    const target: Record<string, (value: unknown) => boolean> = {};
    restoreRemovedUtilities(target);
    expect([undefined, null, 0, ''].map((value) => target['isNullOrUndefined']!(value))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([[], {}].map((value) => target['isArray']!(value))).toEqual([true, false]);
    const own = () => true;
    const complete = { isArray: own, isNullOrUndefined: own };
    restoreRemovedUtilities(complete);
    expect(complete).toEqual({ isArray: own, isNullOrUndefined: own });
  });

  it('reaches a package that loads util with require', () => {
    restoreRemovedUtilities();
    const util = createRequire(import.meta.url)('util') as Record<string, (value: unknown) => boolean>;
    expect(util['isNullOrUndefined']!(null)).toBe(true);
    expect(util['isArray']!([])).toBe(true);
  });
});
