/** Whether what arrives at a session is what its model wants. */
import { sizeOf, type GraphDtype } from '../graph/value.ts';
import type { ModelDescription } from './host.node.ts';
import { arrayOf } from './places.node.ts';
import type { Feed, StateSlot, TensorDescription } from './runtime.ts';

/** Checks that the model has the inputs and outputs of the states, each as its first value is. */
export function checkState({ inputs, outputs }: ModelDescription, slots: readonly StateSlot[]): void {
  const where = 'createSession';
  const seen = new Set<string>();
  for (const { input, output, initial } of slots) {
    for (const name of [`input ${input}`, `output ${output ?? `of ${input}`}`]) {
      if (seen.has(name)) throw new Error(`${where}: two states share the ${name}; give each its own.`);
      seen.add(name);
    }
    const read = inputs.find(({ name }) => name === input);
    if (read !== undefined) checkTensor(where, input, read.dtype, read.shape, initial);
    else checkTensor(where, input, initial.dtype, initial.shape, initial);
    if (output === undefined) continue;
    const written = outputs.find(({ name }) => name === output);
    if (written === undefined) {
      const known = outputs.map(({ name }) => name).join(', ');
      throw new Error(`${where}: the state ${input} is written by ${output}, which the model lacks; it has ${known}.`);
    }
    checkTensor(where, `${output}, the next value of ${input},`, initial.dtype, written.shape, initial, written.dtype);
  }
}

/** Checks what is fed: all that is wanted, nothing else, and each as the model has it. */
export function checkFeeds(
  wanted: readonly TensorDescription[],
  feeds: Readonly<Record<string, Feed>>,
  state: ReadonlyMap<string, unknown> = new Map(),
): void {
  for (const { name, dtype, shape } of wanted) {
    const feed = feeds[name];
    if (feed === undefined) {
      throw new Error(`run: the feed ${name} is missing; give ${dtype} of the shape ${show(shape)}.`);
    }
    checkTensor('run', name, dtype, shape, feed);
  }
  if (Object.keys(feeds).length === wanted.length) return;
  for (const name of Object.keys(feeds)) {
    if (wanted.some((feed) => feed.name === name)) continue;
    if (state.has(name)) throw new Error(`run: ${name} is a state of the session; change it by writeState.`);
    const names = wanted.map((feed) => feed.name);
    throw new Error(
      `run: the model has no input ${name}; feed ${names.length === 0 ? 'nothing' : names.join(', ')} only.`,
    );
  }
}

/** Checks type, shape and array of a tensor. */
export function checkTensor(
  where: string,
  name: string,
  dtype: GraphDtype,
  shape: readonly (number | string)[],
  arrived: Feed,
  arrivedDtype = arrived.dtype,
): void {
  const fits =
    shape.length === arrived.shape.length &&
    shape.every((size, axis) => typeof size === 'string' || size === arrived.shape[axis]);
  if (!fits || dtype !== arrivedDtype) {
    throw new Error(
      `${where}: ${name} arrived as ${arrivedDtype} ${show(arrived.shape)}; the model has ${dtype} ${show(shape)}.`,
    );
  }
  if ('fill' in arrived) return;
  const size = sizeOf(arrived.shape);
  if (arrived.data instanceof arrayOf[dtype] && arrived.data.length === size) return;
  throw new Error(
    `${where}: ${name} arrived with ${arrived.data.length} values in a ${arrived.data.constructor.name}; ` +
      `give ${size} in a ${arrayOf[dtype].name}.`,
  );
}

function show(shape: readonly (number | string)[]): string {
  return `[${shape.join(', ')}]`;
}
