/** `step` itself; throws when it is not a whole number of at least 0. `where` begins the message. */
export function checkStep(where: string, step: number): number {
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new Error(`${where}: step ${step} arrived; give a whole number of at least 0.`);
  }
  return step;
}
