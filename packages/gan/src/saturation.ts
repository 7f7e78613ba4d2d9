/**
 * Notices a discriminator that has won. When it tells real from generated images without doubt, its loss goes to 0 and the
 * generator learns from a gradient that is noise, or none; the losses alone look like success.
 */

/** Where the watch stands, as plain JSON for a checkpoint. */
export interface SaturationState {
  /** Running mean of the loss over about 100 updates; it starts at equilibrium. */
  mean: number;
  /** Updates at which the mean was below the threshold. */
  saturatedSteps: number;
  /** The first of them; 0 while there was none. */
  firstStep: number;
}

const share = 0.01;

/** Watches the discriminator's loss, step by step. */
export class SaturationWatch {
  readonly threshold: number;
  readonly state: SaturationState;

  /** @param threshold mean loss below which the discriminator counts as saturated; equilibrium is ln 4 = 1.386 */
  constructor(threshold: number, state: SaturationState = { mean: Math.log(4), saturatedSteps: 0, firstStep: 0 }) {
    if (!(threshold > 0 && threshold < Math.log(4))) {
      throw new Error(
        `SaturationWatch: the threshold ${threshold} arrived; give a loss above 0 and below ln 4, for example 0.02.`,
      );
    }
    this.threshold = threshold;
    this.state = { ...state };
  }

  /** Takes the loss of `step`. Returns whether the discriminator has just become saturated, for the first time. */
  take(step: number, loss: number): boolean {
    const { state } = this;
    state.mean += share * (loss - state.mean);
    if (state.mean >= this.threshold) return false;
    state.saturatedSteps++;
    if (state.saturatedSteps > 1) return false;
    state.firstStep = step;
    return true;
  }

  /** What to tell about it, or undefined where there is nothing to tell. */
  message(): string | undefined {
    const { saturatedSteps, firstStep } = this.state;
    if (saturatedSteps === 0) return undefined;
    return (
      `The discriminator was saturated at ${saturatedSteps} updates, first at ${firstStep}: the running mean of its loss ` +
      `was below ${this.threshold}. The generator learns little then; lower training.learningRate, raise model.dropout, or ` +
      'use the objective nonSaturating.'
    );
  }
}
