/** The rules that end hopeless trials early, asked once for every value that a run logs. */
import { medianStopping, type StoppingRule, successiveHalving, type Trial } from '@milestones/core/search';
import type { SweepDefinition } from './definition.ts';
import { type SweepTrial, trialHistory } from './ledger.ts';

/** Looks at a trial under way. @returns why it shall end, or null where it goes on */
export type StopAdvice = (trials: readonly SweepTrial[], index: number) => string | null;

/** The advice that a sweep asks for; undefined without a rule. */
export function stopAdvice({ stop, goal }: SweepDefinition): StopAdvice | undefined {
  if (stop === null) return undefined;
  const rule: StoppingRule =
    stop.rule === 'median'
      ? medianStopping({ goal, warmupSteps: stop.step })
      : successiveHalving({ goal, firstStep: stop.step });
  const asked = new Map<number, number>();
  return (trials, index) => {
    const history = trialHistory(trials);
    const trial = history.find((one) => one.index === index);
    if (trial?.state !== 'pending') return null;
    const curve = trial.curve ?? [];
    // The rules judge by the last value of a curve; several may have come since the last look.
    const since = asked.get(index) ?? -1;
    for (const [at, { step }] of curve.entries()) {
      if (step <= since) continue;
      asked.set(index, step);
      const so: Trial = { ...trial, curve: curve.slice(0, at + 1) };
      if (rule(so, history) === 'stop') return `ended at step ${step} by the rule ${stop.rule}:${stop.step}`;
    }
    return null;
  };
}
