/**
 * TensorFlow.js's own tests of its operations, gradients, tensors, engine and optimizers, on our engines, repairs included:
 *
 *   node scripts/tfjs-op-tests.mjs                 cpu, wasm and onnx
 *   node scripts/tfjs-op-tests.mjs onnx            only these engines
 *   node scripts/tfjs-op-tests.mjs wasm --list     also prints every failed test with its message
 *
 * `@tensorflow/tfjs-core` ships its tests compiled, as modules that only a bundler can load. They are bundled together
 * with the built backend, so that both share one tfjs. Each engine runs in a process of its own.
 *
 * `tfjs-op-tests-excluded.json` names the tests that are knowingly out of scope, for all engines or for one: a test's
 * full name without the words that name the engine → the reason. A test that fails and is not named there fails
 * this script; so does an entry that no failing test needs any more.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean', default: false } },
});
const engines = positionals.length > 0 ? positionals : ['cpu', 'wasm', 'onnx'];
const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const excluded = JSON.parse(readFileSync(new URL('tfjs-op-tests-excluded.json', import.meta.url), 'utf8'));

const backend = join(root, 'packages/backend');
const fromBackend = createRequire(join(backend, 'package.json'));
const packageFolder = (resolver, name) => realpathSync(dirname(resolver.resolve(`${name}/package.json`)));
const tfjs = packageFolder(fromBackend, '@tensorflow/tfjs');
const core = packageFolder(createRequire(join(tfjs, 'package.json')), '@tensorflow/tfjs-core');
const wasmFiles = join(packageFolder(fromBackend, '@tensorflow/tfjs-backend-wasm'), 'dist');

/** Runs in the process of one engine. The tests look for an engine's name while they load: hence the two imports. */
const program = `
  import { createWriteStream } from 'node:fs';
  import { createRequire } from 'node:module';
  import { setTestEnvs } from ${JSON.stringify(join(core, 'dist/jasmine_util.js'))};
  import { useBackend } from ${JSON.stringify(join(backend, 'dist/index.js'))};
  import { registerOnnxBackend } from ${JSON.stringify(join(root, 'packages/jit/dist/index.js'))};

  const jasmine = createRequire(${JSON.stringify(import.meta.url)})('jasmine-core').boot();
  Object.assign(globalThis, { jasmine });
  jasmine.DEFAULT_TIMEOUT_INTERVAL = 30_000;
  // It otherwise leaves inputs as small as those of the tests to the cpu engine's kernels.
  if (process.argv[2] === 'onnx') await registerOnnxBackend({ largestCpuInput: 0 });
  const { name, tfjsBackend } = await useBackend(process.argv[2]);
  setTestEnvs([{ name, backendName: tfjsBackend, isDataSync: true }]);
  await import(${JSON.stringify(join(core, 'dist/tests.js'))});

  const environment = jasmine.getEnv();
  environment.configure({ random: false });
  const results = [];
  environment.addReporter({
    specDone({ fullName, status, failedExpectations }) {
      if (status !== 'passed' && status !== 'failed') return;
      const test = fullName.replace(' ' + name + ' {}', '').replace(/\\s+/g, ' ');
      results.push({ test, passed: status === 'passed', messages: failedExpectations.map((one) => one.message) });
    },
  });
  await environment.execute();
  createWriteStream('', { fd: 3 }).end(JSON.stringify(results), () => process.exit(0));
`;

/** The bundle lies elsewhere; what our files look for next to themselves must still be found. */
const keepPlaces = {
  name: 'keep-places',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]packages[\\/][a-z-]+[\\/]dist[\\/].*\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        /\bimport\.meta\.url\b/g,
        JSON.stringify(pathToFileURL(path).href),
      ),
    }));
  },
};

async function bundle(folder) {
  const outfile = join(folder, 'tests.mjs');
  await build({
    stdin: { contents: program, resolveDir: root },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    // tfjs-core calls itself free of side effects, which its tests are not.
    ignoreAnnotations: true,
    external: ['onnxruntime-node', 'webgpu', '@tensorflow/tfjs-backend-webgpu'],
    alias: { 'jasmine-core': dirname(require.resolve('jasmine-core/package.json')) },
    banner: {
      js: `import { createRequire as createRequireHere } from 'node:module';
        const require = createRequireHere(import.meta.url);
        const __filename = ${JSON.stringify(outfile)};
        const __dirname = ${JSON.stringify(folder)};`,
    },
    plugins: [keepPlaces],
    logLevel: 'error',
  });
  // The WASM backend reads its binaries from the folder of its script.
  for (const file of readdirSync(wasmFiles)) {
    if (file.endsWith('.wasm')) copyFileSync(join(wasmFiles, file), join(folder, file));
  }
  return outfile;
}

/** Prints one engine's line and everything unexpected; false if there is any. */
function run(script, engine) {
  const child = spawnSync(process.execPath, [script, engine], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
    timeout: 900_000,
  });
  if (child.status !== 0 || child.output[3] === '') {
    console.log(`${engine}: the tests did not end (${child.signal ?? `exit code ${child.status}`})`);
    console.log(child.stderr.trim().split('\n').slice(-15).join('\n'));
    return false;
  }
  const results = JSON.parse(child.output[3]);
  const reasons = Object.keys({ ...excluded.all, ...excluded[engine] });
  const reasonOf = ({ test }) => reasons.find((name) => test === name);
  const failures = results.filter(({ passed }) => !passed);
  const unexpected = failures.filter((failure) => reasonOf(failure) === undefined);
  const covered = results.filter((result) => reasonOf(result) !== undefined);
  const cured = covered.filter(({ passed }) => passed);
  const idle = reasons.filter((name) => !covered.some(({ test }) => test === name));

  const passed = results.length - failures.length;
  console.log(
    `${engine}: ${passed} passed, ${unexpected.length} failed, ${failures.length - unexpected.length} excluded`,
  );
  for (const { test, messages } of values.list ? failures : unexpected) {
    console.log(`  failed: ${test}\n    ${(messages[0] ?? '').split('\n')[0].slice(0, 300)}`);
  }
  for (const { test } of cured) console.log(`  passes now, take it off the list of exclusions: ${test}`);
  for (const name of idle) console.log(`  excluded, but there is no such test: ${name}`);
  return unexpected.length + cured.length + idle.length === 0;
}

const folder = mkdtempSync(join(tmpdir(), 'tfjs-op-tests-'));
let ok = true;
try {
  const script = await bundle(folder);
  for (const engine of engines) ok = run(script, engine) && ok;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(ok ? 0 : 1);
