/**
 * The capability table: what each engine computes rightly, forward and backward, found by trying.
 *
 * The forward pass is compared with the cpu engine, the gradient with central differences of the cpu engine's forward pass.
 * The table therefore also shows where cpu itself has no right gradient.
 */
import { useBackend } from '../engines/use-backend.ts';
import type { EngineName } from '../engines/engine.ts';
import { tf } from '../tf.ts';
import { capabilityCases, type CapabilityCase } from './capability-cases.ts';

/** Outcome of one probe; `n/a` where there is nothing to probe. */
export type Capability = 'yes' | 'wrong' | 'fails' | 'n/a';

/** One operation on one engine. */
export interface CapabilityResult {
  forward: Capability;
  gradient: Capability;
}

/** The table: operation → engine → outcome. */
export type CapabilityTable = Record<string, Partial<Record<EngineName, CapabilityResult>>>;

interface Values {
  shape: number[];
  values: number[];
}

/** Inputs that are neither equal to each other nor near zero, the same on every run. */
function inputsOf({ shapes, signed }: CapabilityCase): Values[] {
  return shapes.map((shape, which) => ({
    shape,
    values: Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => {
      // The golden ratio spreads any number of points evenly.
      const fraction = ((i + 1) * 0.618_033_988_749_895 + which * 0.37) % 1;
      return (0.2 + 0.8 * fraction) * (signed && i % 2 === 1 ? -1 : 1);
    }),
  }));
}

/** Σᵢ wᵢ yᵢ with weights that differ from element to element. */
function weighted(y: tf.Tensor): tf.Scalar {
  const weights = Float32Array.from({ length: y.size }, (_, i) => Math.sin(1 + 1.7 * i));
  return tf.sum(tf.mul(y, tf.tensor(weights, y.shape)));
}

async function read(tensors: tf.Tensor[]): Promise<Values[]> {
  const all = await Promise.all(tensors.map((tensor) => tensor.data()));
  const results = all.map((values, i) => ({ shape: tensors[i]!.shape, values: [...values] }));
  tf.dispose(tensors);
  return results;
}

function makeTensors(inputs: Values[]): tf.Tensor[] {
  return inputs.map(({ values, shape }) => tf.tensor(values, shape, 'float32'));
}

function forward({ compute }: CapabilityCase, inputs: Values[]): Promise<Values[]> {
  return read([tf.tidy(() => compute(...makeTensors(inputs)))]);
}

function gradients({ compute }: CapabilityCase, inputs: Values[]): Promise<Values[]> {
  const gradient = tf.grads((...given: tf.Tensor[]) => weighted(compute(...given)));
  return read(tf.tidy(() => gradient(makeTensors(inputs))));
}

/** Central differences of the forward pass on the engine in use. */
function differences(given: CapabilityCase, inputs: Values[]): Values[] {
  const step = 1e-2;
  const evaluate = (points: Values[]): number =>
    tf.tidy(() => weighted(given.compute(...makeTensors(points))).dataSync()[0]!);
  return inputs.map(({ shape, values }, which) => ({
    shape,
    values: values.map((value, at) => {
      const moved = (delta: number): number =>
        evaluate(inputs.with(which, { shape, values: values.with(at, value + delta) }));
      return (moved(step) - moved(-step)) / (2 * step);
    }),
  }));
}

function agree(actual: Values[], wanted: Values[], tolerance: number): boolean {
  return actual.every(({ shape, values }, i) => {
    const reference = wanted[i]!;
    const scale = Math.max(1, ...reference.values.map(Math.abs));
    return (
      tf.util.arraysEqual(shape, reference.shape) &&
      values.every((value, at) => Math.abs(value - reference.values[at]!) <= tolerance * scale)
    );
  });
}

async function outcome(compute: () => Promise<Values[]>, wanted: Values[], tolerance: number): Promise<Capability> {
  try {
    return agree(await compute(), wanted, tolerance) ? 'yes' : 'wrong';
  } catch {
    return 'fails';
  }
}

/**
 * Probes every operation of the table on the given engines, which must be usable here, and leaves the cpu engine in use.
 *
 * @param engines for example ['cpu', 'wasm']
 */
export async function probeCapabilities(engines: EngineName[]): Promise<CapabilityTable> {
  await useBackend('cpu');
  const references = [];
  for (const given of capabilityCases) {
    const inputs = inputsOf(given);
    const wanted = await forward(given, inputs);
    references.push({ given, inputs, wanted, slopes: given.hasGradient ? differences(given, inputs) : undefined });
  }
  const table: CapabilityTable = Object.fromEntries(capabilityCases.map(({ name }) => [name, {}]));
  for (const engine of engines) {
    await useBackend(engine);
    for (const { given, inputs, wanted, slopes } of references) {
      table[given.name]![engine] = {
        // Float32 against float32: only the order of additions and the engines' elementary functions differ.
        forward: await outcome(() => forward(given, inputs), wanted, 1e-4),
        // Differences of float32 numbers with step 1e-2 are good to about 1e-3.
        gradient: slopes ? await outcome(() => gradients(given, inputs), slopes, 1e-2) : 'n/a',
      };
    }
  }
  await useBackend('cpu');
  return table;
}

/** The table as Markdown. */
export function formatCapabilities(table: CapabilityTable): string {
  const engines = Object.keys(Object.values(table)[0] ?? {}) as EngineName[];
  const cell = (result: CapabilityResult | undefined): string =>
    result ? `${result.forward} / ${result.gradient}` : 'not probed';
  return [
    '# What each engine computes',
    '',
    'Written by `pnpm capabilities`, which tries every operation. Each cell says: forward pass / gradient. The forward pass',
    'is compared with the cpu engine, the gradient with finite differences. `wrong` is a wrong result, `fails` an error,',
    '`n/a` an operation without a gradient.',
    '',
    `| operation | ${engines.join(' | ')} |`,
    `| --- | ${engines.map(() => '---').join(' | ')} |`,
    ...Object.entries(table).map(
      ([name, row]) => `| ${name} | ${engines.map((engine) => cell(row[engine])).join(' | ')} |`,
    ),
    '',
  ].join('\n');
}
