import { tf, type EngineName } from '@milestones/backend';
import type { Module } from '../module.ts';
import { valueAndGradients } from '../gradients.ts';
import { expectClose, unpack, type PackedTensor } from './close.ts';
import { compareEngines } from './engines.ts';
import { checkGradients, differentiate } from './gradients.ts';
import { checkLeaks } from './leaks.ts';

/** What another implementation makes of a layer; written by a fixture script, read as JSON. */
export interface LayerFixture {
  /** Values by parameter path, in this project's layout (dense weights are [in, out]). */
  parameters: Record<string, PackedTensor>;
  inputs: PackedTensor[];
  output: PackedTensor;
  /** What the output is multiplied with before it is summed and differentiated; without it, ones. */
  outputWeights?: PackedTensor;
  /** Gradients of Σ outputWeights · output. Inputs without one are null. */
  gradients?: {
    inputs?: (PackedTensor | null)[];
    parameters?: Record<string, PackedTensor>;
  };
}

/** What {@link checkLayer} is told about a layer. */
export interface LayerCheck<Layer extends Module> {
  /** Builds the layer, without values. */
  make: () => Layer;
  /** Applies it. Pass a fixed key to a layer that draws random numbers. */
  forward: (layer: Layer, ...inputs: tf.Tensor[]) => tf.Tensor;
  /** Inputs for all checks; default: those of the (first) fixture. They belong to the caller. */
  inputs?: readonly tf.Tensor[];
  /** What another implementation gives, for `make()` in the mode of `mode`. */
  fixture?: LayerFixture;
  /** Mode for fixture and gradients. Default `'eval'`. */
  mode?: 'train' | 'eval';
  /** Whether training and evaluation must differ (dropout, batch norm) or must agree. Default false: agree. */
  dependsOnMode?: boolean;
  /** Engines whose values and gradients must agree. Default cpu and wasm. */
  engines?: readonly EngineName[];
  /** For values and gradients against the fixture and between engines. Default 1e-5. */
  tolerance?: number;
  /** Passed to `checkGradients`; `false` leaves finite differences out, for a layer that is not smooth. */
  finiteDifferences?: { step?: number; tolerance?: number; samples?: number } | false;
}

/**
 * The gate that every layer passes; it throws at the first thing that fails.
 *
 * 1. values, and gradients where given, against a fixture of another implementation
 * 2. gradients by inputs and parameters against finite differences
 * 3. training and evaluation mode reach the layer, and change the output exactly when `dependsOnMode` says so
 * 4. `stateDict` → `loadStateDict` into a second layer gives the same output, bit for bit
 * 5. no tensor left over after 100 training steps
 * 6. values and gradients agree on all engines
 *
 * In a test file:
 *
 * ```ts
 * it('dense', () => checkLayer({
 *   make: () => new Dense(4, 3),
 *   forward: (layer, x) => layer.forward(x),
 *   fixture: fixtures.dense,
 * }));
 * ```
 */
export async function checkLayer<Layer extends Module>(check: LayerCheck<Layer>): Promise<void> {
  const { fixture, tolerance = 1e-5, engines = ['cpu', 'wasm'] } = check;
  const own = check.inputs === undefined ? (fixture?.inputs ?? []).map(unpack) : [];
  const inputs = check.inputs ?? own;
  if (inputs.length === 0) throw new Error('checkLayer: no inputs; give inputs, or a fixture that has some.');
  const layer = check.make().initialize(1);
  try {
    if (check.mode === 'train') layer.train();
    else layer.eval();
    const forward = (...tensors: tf.Tensor[]): tf.Tensor => check.forward(layer, ...tensors);
    const parameters = layer.trainableParameters();

    if (fixture !== undefined) tf.tidy(() => compareWithFixture(layer, forward, fixture, tolerance));
    if (check.finiteDifferences !== false) {
      await checkGradients(forward, inputs, { ...check.finiteDifferences, parameters });
    }
    tf.tidy(() => compareModes(layer, () => forward(...inputs), check.dependsOnMode ?? false));
    compareCopies(layer, check, inputs);
    await checkLeaks(() =>
      tf.tidy(() => {
        if (parameters.size > 0) valueAndGradients(() => tf.sum(forward(...inputs)), parameters);
        else differentiate(forward, inputs, parameters, tf.onesLike);
      }),
    );
    await compareEngines(
      () => {
        const {
          output,
          inputs: slopes,
          parameters: gradients,
        } = differentiate(forward, inputs, parameters, alternating);
        const named: Record<string, tf.Tensor> = { output };
        slopes.forEach((slope, index) => {
          if (slope !== undefined) named[`the gradient by input ${index}`] = slope;
        });
        for (const [name, gradient] of Object.entries(gradients)) named[`the gradient by ${name}`] = gradient;
        return named;
      },
      engines,
      tolerance,
    );
  } finally {
    layer.dispose();
    for (const tensor of own) tensor.dispose();
  }
}

function compareWithFixture(
  layer: Module,
  forward: (...inputs: tf.Tensor[]) => tf.Tensor,
  fixture: LayerFixture,
  tolerance: number,
): void {
  layer.loadStateDict(
    Object.fromEntries(Object.entries(fixture.parameters).map(([name, value]) => [name, unpack(value)])),
  );
  const weights = (output: tf.Tensor): tf.Tensor =>
    fixture.outputWeights === undefined ? tf.onesLike(output) : unpack(fixture.outputWeights);
  const found = differentiate(forward, fixture.inputs.map(unpack), layer.trainableParameters(), weights);
  expectClose(found.output, fixture.output, tolerance, 'the output');
  fixture.gradients?.inputs?.forEach((expected, index) => {
    if (expected === null) return;
    expectClose(found.inputs[index] ?? [], expected, tolerance, `the gradient by input ${index}`);
  });
  for (const [name, expected] of Object.entries(fixture.gradients?.parameters ?? {})) {
    expectClose(found.parameters[name] ?? [], expected, tolerance, `the gradient by ${name}`);
  }
}

function compareModes(layer: Module, forward: () => tf.Tensor, dependsOnMode: boolean): void {
  const before = layer.training;
  layer.train();
  const training = forward().dataSync();
  layer.eval();
  if (layer.training) throw new Error('checkLayer: eval() left the layer in training mode.');
  const evaluation = forward().dataSync();
  if (before) layer.train();
  const same = training.length === evaluation.length && training.every((value, index) => value === evaluation[index]);
  if (same === dependsOnMode) {
    throw new Error(
      `checkLayer: training and evaluation mode give ${same ? 'the same output' : 'different outputs'}, and ` +
        `dependsOnMode is ${dependsOnMode}; correct the layer, or the check.`,
    );
  }
}

function compareCopies<Layer extends Module>(
  layer: Layer,
  check: LayerCheck<Layer>,
  inputs: readonly tf.Tensor[],
): void {
  const copy = check.make().initialize(2);
  try {
    tf.tidy(() => {
      if (check.mode === 'train') copy.train();
      else copy.eval();
      copy.loadStateDict(layer.stateDict());
      const [original, copied] = [layer, copy].map((each) => check.forward(each, ...inputs));
      expectClose(copied as tf.Tensor, original as tf.Tensor, 0, 'the output after a state-dict round trip');
    });
  } finally {
    copy.dispose();
  }
}

/** Weights 0.5, −0.7, 0.9, −0.5, … : a plain sum would hide the errors of a softmax or a normalisation. */
function alternating(output: tf.Tensor): tf.Tensor {
  const values = Float32Array.from(
    { length: output.size },
    (_, index) => (index % 2 === 0 ? 1 : -1) * (0.5 + 0.2 * (index % 3)),
  );
  return tf.tensor(values, output.shape);
}
