/**
 * Trains with compiled steps on a GPU through WebGPU and on the processor, and compares: losses of 20 steps, the weights
 * after them, and what was copied between memory and the GPU meanwhile. A GPT with dropout and AdamW as in the preset
 * `quick`, in smaller batches, and a small convolutional net with batch norm, pooling and momentum.
 *
 *   node scripts/webgpu-check.mjs
 *
 * Without a GPU it uses the software one that comes with Chromium (SwiftShader, Linux), which is slow: the times are no
 * measure of a GPU. Without either it says so, checks nothing and succeeds.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, core, gptMini, tf, useBackend } from '../benchmarks/packages.mjs';
import { CharacterTokenizer, generateCorpus } from '../packages/datasets/dist/index.js';
import { registerOnnxBackend, RuntimeUnavailableError } from '../packages/jit/dist/index.js';
import { findChromium } from './browser.mjs';
import { ConvolutionNet } from './convolution-net.mjs';

const STEPS = 20;
/** Largest difference of a loss from the processor's. */
const LOSS_TOLERANCE = 1e-5;
const WEIGHT_TOLERANCE = 1e-4;
/** Left out: the bias of attention's keys changes no score, so its gradient is rounding alone, and Adam makes that large. */
const IRRELEVANT = /key\.bias$/;
const SCRIPT = fileURLToPath(import.meta.url);

const workloads = {
  'gpt-mini': () => {
    const shape = { vocabularySize: 24, contextLength: 32, features: 32, layers: 2, heads: 2, dropout: 0.1 };
    const model = new gptMini.Gpt(shape).initialize(1);
    const settings = { steps: 600, batchSize: 4, learningRate: 0.01, warmupSteps: 20 };
    const optimizer = gptMini.createOptimizer(model, core.completeConfig('gpt-mini', gptMini.trainingSchema, settings));
    const text = generateCorpus({ characters: 20_000 }).train;
    const tokens = new CharacterTokenizer(text).encode(text);
    const windows = (starts, shift) =>
      tf.tensor2d(
        starts.flatMap((start) => Array.from(tokens.slice(start + shift, start + shift + 32))),
        [starts.length, 32],
        'int32',
      );
    return {
      model,
      optimizer,
      loss: (x, y, key) => gptMini.languageModelLoss(model, x, y, new core.RandomKey(key)),
      batch: (random) => {
        const starts = Array.from({ length: 4 }, () => random.integer(tokens.length - 33));
        const key = tf.tensor1d([random.integer(2 ** 31), 7], 'int32');
        return [windows(starts, 0), windows(starts, 1), key];
      },
    };
  },
  convolutions: () => {
    const model = new ConvolutionNet().initialize(1);
    return {
      model,
      optimizer: new core.SGD({ momentum: 0.9 }),
      loss: (x, y) => core.crossEntropyLoss(model.forward(x), y),
      batch: (random) => [
        tf.tensor4d(
          Array.from({ length: 8 * 12 * 12 * 3 }, () => random.normal()),
          [8, 12, 12, 3],
        ),
        tf.tensor1d(
          Array.from({ length: 8 }, () => random.integer(5)),
          'int32',
        ),
      ],
    };
  },
};

/** Counts the bytes that go to and come from the sessions' runs in memory; state on a GPU does not. */
function countCopies() {
  const jit = createRequire(new URL('../packages/jit/package.json', import.meta.url));
  const { binding } = jit(join(dirname(jit.resolve('onnxruntime-node')), 'binding.js'));
  const copied = { fed: 0, returned: 0 };
  const bytesInMemory = (tensors) =>
    Object.values(tensors).reduce((sum, tensor) => sum + (tensor.location === 'cpu' ? tensor.data.byteLength : 0), 0);
  binding.InferenceSession = class extends binding.InferenceSession {
    run(feeds, ...others) {
      copied.fed += bytesInMemory(feeds);
      const results = super.run(feeds, ...others);
      copied.returned += bytesInMemory(results);
      return results;
    }
  };
  return () => {
    const counted = { ...copied };
    copied.fed = copied.returned = 0;
    return counted;
  };
}

/** Copies inside the graph, between operations on the GPU and those that only the processor has: sizes in one run. */
function readInnerCopies(folder) {
  const profiles = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  const events = profiles.flat().filter(({ args }) => args?.op_name?.startsWith('Memcpy') && args.output_type_shape);
  const bytes = { float: 4, int32: 4, uint32: 4, int64: 8, bool: 1, double: 8 };
  return events.map(({ args }) => {
    const [[type, shape]] = Object.entries(args.output_type_shape[0]);
    return { type, shape, bytes: shape.reduce((product, size) => product * size, bytes[type] ?? 4) };
  });
}

/** In a process of its own: trains on one provider and prints what came of it. */
async function train(provider) {
  const profiles = mkdtempSync(join(tmpdir(), 'milestones-webgpu-'));
  const takeCopies = countCopies();
  try {
    const sessionOptions = { enableProfiling: true, profileFilePrefix: join(profiles, 'profile') };
    // On this thread, where the calls can be counted.
    await registerOnnxBackend({ runtime: { provider, thread: 'inline', sessionOptions } });
  } catch (error) {
    if (!(error instanceof RuntimeUnavailableError)) throw error;
    console.log(JSON.stringify({ unavailable: error.reason }));
    return;
  }
  await useBackend('onnx');
  const results = {};
  for (const [name, create] of Object.entries(workloads)) {
    const { model, optimizer, loss, batch } = create();
    const parameters = model.trainableParameters();
    optimizer.initialize(parameters);
    model.train();
    const step = compile((rate, ...args) => {
      const { value, gradients } = core.valueAndGradients(() => loss(...args), parameters);
      optimizer.update(parameters, gradients, rate);
      return value;
    });
    const random = new core.Random(1, name);
    const losses = [];
    const copies = [];
    const milliseconds = [];
    let argumentBytes = 0;
    const next = async () => {
      // Warm-up over 20 steps, as in the preset.
      const rate = 0.01 * Math.min(1, (losses.length + 1) / 20);
      const args = [tf.scalar(rate), ...batch(random)];
      argumentBytes = args.reduce((sum, { size }) => sum + 4 * size, 0);
      takeCopies();
      const start = performance.now();
      const result = await step(...args);
      milliseconds.push(performance.now() - start);
      copies.push(takeCopies());
      losses.push(result.dataSync()[0]);
      tf.dispose([result, ...args]);
    };
    for (let index = 0; index < STEPS; index++) await next();
    takeCopies();
    const relevant = Object.entries(model.stateDict()).filter(([path]) => !IRRELEVANT.test(path));
    const weights = relevant.map(([path, variable]) => ({
      path,
      shape: variable.shape,
      values: Array.from(variable.dataSync()),
    }));
    const readBack = takeCopies();
    await next(); // Reading alone brings nothing back to the GPU.
    const [variable] = Object.values(model.stateDict());
    variable.assign(tf.add(variable, 0));
    await next(); // One assignment brings one weight.
    const variables = [...Object.values(model.stateDict()), ...Object.values(optimizer.stateDict())];
    await step.dispose();
    results[name] = {
      losses: losses.slice(0, STEPS),
      weights,
      stateBytes: variables.reduce((sum, { size }) => sum + 4 * size, 0),
      argumentBytes,
      first: copies[0],
      steps: copies.slice(1, STEPS),
      readBack,
      afterReading: copies[STEPS],
      afterAssigning: copies[STEPS + 1],
      assignedBytes: 4 * variable.size,
      milliseconds: milliseconds.slice(1, STEPS).toSorted((left, right) => left - right)[Math.floor(STEPS / 2)],
      innerCopies: readInnerCopies(profiles),
    };
    for (const file of readdirSync(profiles)) rmSync(join(profiles, file));
  }
  rmSync(profiles, { recursive: true, force: true });
  console.log(JSON.stringify(results));
}

function trainElsewhere(provider, environment = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, provider], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return JSON.parse(stdout.trim().split('\n').at(-1));
  throw new Error(`webgpu: training on ${provider} ended with status ${status}:\n${stderr}`);
}

/** The driver of Chromium's software GPU. */
function findSoftwareGpu() {
  const chromium = findChromium();
  const folders = [chromium && dirname(realpathSync(chromium)), '/usr/lib/chromium'];
  return folders
    .filter((folder) => folder !== undefined)
    .map((folder) => join(folder, 'vk_swiftshader_icd.json'))
    .find((file) => existsSync(file));
}

function compare() {
  let onGpu = trainElsewhere('webgpu');
  let adapter = "this machine's WebGPU adapter";
  const software = findSoftwareGpu();
  if (onGpu.unavailable !== undefined && software !== undefined) {
    adapter = "Chromium's software GPU";
    // Next to the driver lies the loader, which not every system has.
    const libraries = [process.env['LD_LIBRARY_PATH'], dirname(software)].filter(Boolean).join(delimiter);
    const environment = { VK_ICD_FILENAMES: software, VK_DRIVER_FILES: software, LD_LIBRARY_PATH: libraries };
    onGpu = trainElsewhere('webgpu', environment);
  }
  if (onGpu.unavailable !== undefined) {
    console.log(`webgpu: skipped. ${onGpu.unavailable} Chromium brings a software GPU (Debian: apt install chromium).`);
    return 0;
  }
  const onCpu = trainElsewhere('cpu');
  const problems = [];
  for (const name of Object.keys(workloads)) {
    const check = (fine, message) => {
      console.log(`webgpu: ${name}: ${message}${fine ? '' : '  — WRONG'}`);
      if (!fine) problems.push(`${name}: ${message}`);
    };
    const gpu = onGpu[name];
    const cpu = onCpu[name];
    const apart = (left, right) => Math.max(...left.map((value, index) => Math.abs(value - right[index])));
    const lossDifference = apart(gpu.losses, cpu.losses);
    check(
      lossDifference <= LOSS_TOLERANCE,
      `${STEPS} losses from ${gpu.losses[0].toFixed(4)} to ${gpu.losses.at(-1).toFixed(4)} on ${adapter}, largest ` +
        `difference from the processor ${lossDifference.toExponential(1)} (at most ${LOSS_TOLERANCE}); ` +
        `${gpu.milliseconds.toFixed(0)} ms a step`,
    );
    const weightDifference = Math.max(
      ...gpu.weights.map(({ values }, index) => apart(values, cpu.weights[index].values)),
    );
    check(
      weightDifference <= WEIGHT_TOLERANCE,
      `${gpu.weights.length} tensors of weights read back, largest difference ${weightDifference.toExponential(1)} (at most ${WEIGHT_TOLERANCE})`,
    );
    const { first, steps, readBack, afterReading, afterAssigning, stateBytes, argumentBytes, assignedBytes } = gpu;
    check(first.fed >= stateBytes, `first step: ${first.fed} bytes to the GPU, of them ${stateBytes} of state`);
    const fed = Math.max(...steps.map((step) => step.fed));
    const returned = Math.max(...steps.map((step) => step.returned));
    check(
      fed <= argumentBytes && returned <= 4,
      `each later step: ${fed} bytes to the GPU (the arguments have ${argumentBytes}), ${returned} back (the loss)`,
    );
    check(readBack.returned >= stateBytes, `reading the weights: ${readBack.returned} bytes back, once`);
    check(afterReading.fed <= argumentBytes, `the step after it: ${afterReading.fed} bytes to the GPU`);
    check(
      afterAssigning.fed === argumentBytes + assignedBytes,
      `the step after an assignment: ${afterAssigning.fed} bytes, of them ${assignedBytes} of the assigned weight`,
    );
    const shapes = new Set(gpu.weights.filter(({ shape }) => shape.length > 1).map(({ shape }) => shape.join()));
    const weightCopies = gpu.innerCopies.filter(({ type, shape }) => type === 'float' && shapes.has(shape.join()));
    const perStep = (count) => count / (STEPS + 2);
    check(
      weightCopies.length === 0,
      `inside a step: ${perStep(gpu.innerCopies.length)} copies between GPU and processor for operations that the GPU ` +
        `lacks, ${perStep(gpu.innerCopies.reduce((sum, { bytes }) => sum + bytes, 0)).toFixed(0)} bytes; none of a weight`,
    );
  }
  if (problems.length > 0) console.error(`webgpu: ${problems.length} wrong`);
  return problems.length > 0 ? 1 : 0;
}

const [provider] = process.argv.slice(2);
if (provider === undefined) process.exitCode = compare();
else await train(provider);
