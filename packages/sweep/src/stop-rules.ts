import type { SweepDefinition } from './definition.ts';
import type { SweepTrial } from './ledger.ts';
export type StopAdvice = (trials: readonly SweepTrial[], index: number) => string | null;
export function stopAdvice(_definition: SweepDefinition): StopAdvice | undefined { return undefined; }
