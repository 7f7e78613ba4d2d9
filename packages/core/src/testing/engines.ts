import { currentEngine, tf, useBackend, type EngineName } from '@milestones/backend';
import { expectClose } from './close.ts';

/** Runs `f` on the engine `name` and returns to the one before, also when `f` throws. */
export async function withEngine<Result>(name: EngineName, f: () => Result | Promise<Result>): Promise<Result> {
  await tf.ready();
  const before = currentEngine()?.name;
  const beforeBackend = tf.getBackend();
  if (before !== name) await useBackend(name);
  try {
    return await f();
  } finally {
    if (before === undefined) await tf.setBackend(beforeBackend); // tfjs had chosen for itself.
    else if (before !== name) await useBackend(before);
  }
}

/**
 * Runs `f` on every engine and throws unless all agree with the first within `tolerance` (see `expectClose`).
 *
 * `f` may use tensors and variables made outside: tfjs moves them to the engine that reads them. What it returns is
 * freed.
 *
 * @param engines default cpu, the numerical reference, and wasm
 */
export async function compareEngines(
  f: () => tf.Tensor | tf.Tensor[] | Record<string, tf.Tensor>,
  engines: readonly EngineName[] = ['cpu', 'wasm'],
  tolerance = 1e-5,
): Promise<void> {
  let reference: Map<string, { shape: number[]; values: number[] }> | undefined;
  for (const engine of engines) {
    const found = await withEngine(engine, async () => {
      const result = tf.tidy(f);
      const named = result instanceof tf.Tensor ? { result } : (result as Record<string, tf.Tensor>);
      const values = new Map<string, { shape: number[]; values: number[] }>();
      for (const [name, tensor] of Object.entries(named)) {
        values.set(name, { shape: tensor.shape, values: Array.from(await tensor.data()) });
        tensor.dispose();
      }
      return values;
    });
    reference ??= found;
    if (found.size !== reference.size) {
      throw new Error(`compareEngines: ${engine} returned ${found.size} tensors and ${engines[0]} ${reference.size}.`);
    }
    for (const [name, expected] of reference) {
      expectClose(found.get(name) ?? [], expected, tolerance, `${name} on ${engine} (against ${engines[0]})`);
    }
  }
}
