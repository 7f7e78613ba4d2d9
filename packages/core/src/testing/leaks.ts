import { tf } from '@milestones/backend';

/**
 * Runs `step` again and again and throws when the number of live tensors has changed.
 *
 * Three calls before the count let the step make what it keeps for good. A tensor that `step` returns is its caller's to
 * free: free it inside `step`.
 *
 * @param count how many times; default 100
 */
export async function checkLeaks(step: () => unknown, count = 100): Promise<void> {
  for (let call = 0; call < 3; call += 1) await step();
  const before = tf.memory().numTensors;
  for (let call = 0; call < count; call += 1) await step();
  const kept = tf.memory().numTensors - before;
  if (kept !== 0) {
    throw new Error(
      `checkLeaks: ${kept} tensors more than before after ${count} steps (${(kept / count).toFixed(2)} a step); ` +
        'wrap the step in tf.tidy and dispose of what it returns.',
    );
  }
}
