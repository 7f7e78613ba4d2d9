/**
 * What only a browser can show, in a headless Chromium:
 *
 * - Files of `exportOnnx` run in `onnxruntime-web`, on wasm and on WebGPU (a simulated GPU), and return what the models
 *   return in Node.
 * - The main entries of the packages, bundled as a user would, load, train and generate text on `wasm` and `cpu`.
 *
 *   node scripts/browser-check.mjs
 *
 * It uses the built packages. Where there is no Chromium it says so, checks nothing and succeeds; MILESTONES_CHROMIUM
 * names the program where it is not on the path.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { core, gptMini, tf, useBackend } from '../benchmarks/packages.mjs';
import { exportOnnx } from '../packages/core/dist/node.js';
import { findChromium, startChromium, startServer } from './browser.mjs';
import { ConvolutionNet } from './convolution-net.mjs';

/** Largest difference of a result from Node's, relative to the larger of it and 1. */
const TOLERANCE = 1e-4;
const BATCH_SIZES = [1, 3];
const TOKENS = 12;
const TEXT = { prompt: 'ROMEO:', tokens: 60, seed: 1 };

const root = fileURLToPath(new URL('..', import.meta.url));
const chromium = findChromium();
if (chromium === undefined) {
  console.log(
    'browser: skipped. There is no Chromium here; install one (Debian: apt install chromium) or name it in MILESTONES_CHROMIUM.',
  );
  process.exit(0);
}

/** A model's file, and what the model returns for one batch of each size: its feeds are in JSON for the page. */
async function prepareModel(name, model, input, folder, makeValues) {
  const file = join(folder, `${name}.onnx`);
  await exportOnnx(model, { input }, file);
  const cases = BATCH_SIZES.map((batch) => {
    const shape = [batch, ...input.shape.slice(1)];
    const values = makeValues(shape.reduce((product, size) => product * size, 1));
    const output = tf.tidy(() => model.forward(tf.tensor(values, shape, input.dtype)));
    const expected = { shape: output.shape, values: output.dataSync() };
    output.dispose();
    return { shape, values, expected };
  });
  return { name, dtype: input.dtype, file, bytes: readFileSync(file), cases };
}

/** Runs in the page: a model in onnxruntime-web. */
async function runInPage({ name, dtype, cases, provider }) {
  if (provider === 'webgpu' && !(await navigator.gpu?.requestAdapter())) return undefined;
  const ort = await import(new URL(`/onnxruntime-web/ort.${provider}.min.mjs`, location.href).href);
  ort.env.wasm.wasmPaths = new URL('/onnxruntime-web/', location.href).href;
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(`/models/${name}.onnx`, { executionProviders: [provider] });
  const arrays = { float32: Float32Array, int32: Int32Array };
  const results = [];
  for (const { shape, values } of cases) {
    const { output } = await session.run({ input: new ort.Tensor(dtype, arrays[dtype].from(values), shape) });
    results.push({ shape: [...output.dims], values: [...output.data] });
  }
  await session.release();
  return { version: ort.env.versions.web, results };
}

/** A user's program: it is bundled for the browser together with the packages that it imports. */
const program = `
import { compile, tf, useBackend } from '@milestones/backend';
import { Adam, Dense, valueAndGradients } from '@milestones/core';
import { generateText, Gpt } from '@milestones/gpt-mini';

window.runOn = async (engine, { prompt, ...options }, weights) => {
  const { name } = await useBackend(engine, { wasmPaths: '/tfjs-wasm/' });
  const model = await Gpt.fromPretrained(new URL(weights, location.href));
  const start = performance.now();
  const text = await generateText(model, prompt, options);
  const milliseconds = performance.now() - start;
  model.dispose();

  // y = 2x₁ − x₂, learned by compile() and Adam as in Node.
  const layer = new Dense(2, 1).initialize(1);
  const parameters = layer.namedParameters();
  const optimizer = new Adam();
  optimizer.initialize(parameters);
  const step = compile((x, y) => {
    const { value, gradients } = valueAndGradients(
      () => tf.mean(tf.square(tf.sub(layer.forward(x), y))), parameters);
    optimizer.update(parameters, gradients, 0.1);
    return value;
  });
  const x = tf.tensor2d([1, 0, 0, 1, 1, 1, 2, 1], [4, 2]);
  const y = tf.tensor2d([2, -1, 1, 3], [4, 1]);
  const losses = [];
  for (let index = 0; index < 100; index++) {
    const loss = await step(x, y);
    losses.push((await loss.data())[0]);
    loss.dispose();
  }
  return { engine: name, text, milliseconds, firstLoss: losses[0], lastLoss: losses.at(-1) };
};
window.isReady = true;
`;

async function bundleProgram() {
  const { outputFiles, warnings } = await build({
    stdin: { contents: program, resolveDir: join(root, 'packages/gpt-mini'), sourcefile: 'program.js' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'error',
  });
  for (const { text } of warnings) console.log(`browser: esbuild warns: ${text}`);
  return outputFiles[0].text;
}

function largestDifference(actual, expected) {
  if (actual.shape.join() !== expected.shape.join()) return Infinity;
  let largest = 0;
  for (const [index, wanted] of expected.values.entries()) {
    const difference = Math.abs(actual.values[index] - wanted) / Math.max(1, Math.abs(wanted));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

const problems = [];
function check(fine, message) {
  console.log(`browser: ${message}${fine ? '' : '  — WRONG'}`);
  if (!fine) problems.push(message);
}

const require = createRequire(import.meta.url);
const fromBackend = createRequire(join(root, 'packages/backend/package.json'));
const temporary = mkdtempSync(join(tmpdir(), 'milestones-browser-'));
let server;
let browser;
try {
  await useBackend('cpu');
  const gpt = await gptMini.Gpt.fromPretrained('shakespeare-char');
  const network = new ConvolutionNet().initialize(1);
  network.eval();
  const random = new core.Random(1, 'browser check');
  const { vocabularySize } = gpt.config;
  const models = [
    await prepareModel('gpt-mini', gpt, { shape: ['batch', TOKENS], dtype: 'int32' }, temporary, (size) =>
      Array.from({ length: size }, () => random.integer(vocabularySize)),
    ),
    await prepareModel('convolutions', network, { shape: ['batch', 12, 12, 3], dtype: 'float32' }, temporary, (size) =>
      Array.from({ length: size }, () => Math.fround(random.normal())),
    ),
  ];
  const { prompt, ...options } = TEXT;
  const expectedText = await gptMini.generateText(gpt, prompt, options);

  const bundle = await bundleProgram();
  server = await startServer(
    {
      '/onnxruntime-web/': dirname(require.resolve('onnxruntime-web')),
      '/tfjs-wasm/': dirname(fromBackend.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm')),
      '/weights/': join(root, 'packages/gpt-mini/weights/shakespeare-char'),
    },
    {
      '/index.html': '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>check</title>',
      '/program.html':
        '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="program.js"></script>',
      '/program.js': bundle,
      ...Object.fromEntries(models.map(({ name, bytes }) => [`/models/${name}.onnx`, bytes])),
    },
  );
  browser = await startChromium(chromium);
  console.log(
    `browser: Chromium ${browser.version}; a bundle of ${(bundle.length / 2 ** 20).toFixed(1)} MiB, not minified`,
  );
  const openPage = async () => {
    const opened = await browser.context.newPage();
    opened.on('pageerror', (error) => problems.push(`the page threw: ${error.message}`));
    await opened.goto(`${server.address}/index.html`);
    return opened;
  };
  const checkModels = async (page, provider) => {
    for (const { name, dtype, cases } of models) {
      const given = { name, dtype, provider, cases: cases.map(({ shape, values }) => ({ shape, values })) };
      const run = await page.evaluate(runInPage, given);
      if (run === undefined) {
        console.log(`browser: ${provider}: skipped. This Chromium has no adapter for it, not even a simulated one.`);
        return;
      }
      for (const [index, { shape, expected }] of cases.entries()) {
        const difference = largestDifference(run.results[index], expected);
        check(
          difference <= TOLERANCE,
          `${name}, batch ${shape[0]}: onnxruntime-web ${run.version} on ${provider} returns ` +
            `[${run.results[index].shape.join(', ')}], largest difference from cpu in Node ` +
            `${difference.toExponential(1)} (at most ${TOLERANCE})`,
        );
      }
    }
  };
  const page = await openPage();
  await checkModels(page, 'wasm');

  await page.goto(`${server.address}/program.html`);
  await page.waitForFunction('window.isReady === true', undefined, { timeout: 60_000 });
  for (const engine of ['cpu', 'wasm']) {
    const done = await page.evaluate(
      ([name, text, weights]) => window.runOn(name, text, weights),
      [engine, TEXT, '/weights/'],
    );
    check(
      done.engine === engine && done.text === expectedText,
      `${engine}: gpt-mini continues ${JSON.stringify(prompt)} as in Node, ${TEXT.tokens} characters in ` +
        `${(done.milliseconds / 1000).toFixed(1)} s: ${JSON.stringify(done.text)}`,
    );
    check(
      done.lastLoss < done.firstLoss / 100,
      `${engine}: 100 steps through compile() lower a loss from ${done.firstLoss.toFixed(3)} to ${done.lastLoss.toFixed(5)}`,
    );
  }

  await browser.close();
  browser = await startChromium(chromium, true);
  await checkModels(await openPage(), 'webgpu');
} finally {
  await browser?.close();
  await server?.close();
  rmSync(temporary, { recursive: true, force: true });
}
if (problems.length > 0) {
  console.error(`browser: ${problems.length} wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  process.exit(1);
}
