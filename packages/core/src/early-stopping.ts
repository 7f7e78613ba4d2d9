/**
 * When to stop training: at the lowest point of the validation loss, which is known only some time afterwards. Prechelt
 * 1998, "Early stopping - but when?", section 2.
 */

/** When {@link EarlyStopping} gives up. At least one of them. */
export interface EarlyStoppingOptions {
  /** Stop after so many evaluations in a row without a new best value. */
  patience?: number;
  /**
   * α in percent: stop as soon as the generalisation loss GL = 100 · (value / best − 1) exceeds it (Prechelt's criterion
   * GL_α). For values above 0, such as losses.
   */
  generalizationLoss?: number;
  /** A value is a new best where it is lower than the best by more than this. Default 0. */
  minimumImprovement?: number;
}

/** All there is to know about an {@link EarlyStopping}; plain JSON. */
export interface EarlyStoppingState {
  best: number | null;
  bestStep: number | null;
  waited: number;
  stopped: boolean;
}

/**
 * Watches a validation loss, or another number that shall become small.
 *
 * ```ts
 * const stopping = new EarlyStopping({ patience: 5 });
 * // after each evaluation:
 * if (stopping.add(step, validationLoss)) keepWeights(); // a new best
 * if (stopping.shouldStop) break; // and go back to the weights of stopping.bestStep
 * ```
 */
export class EarlyStopping {
  readonly patience: number;
  readonly generalizationLoss: number;
  readonly minimumImprovement: number;
  #best: number | undefined;
  #bestStep: number | undefined;
  #waited = 0;
  #stopped = false;

  constructor(options: EarlyStoppingOptions) {
    const { patience = Infinity, generalizationLoss = Infinity, minimumImprovement = 0 } = options;
    if (options.patience === undefined && options.generalizationLoss === undefined) {
      throw new Error('EarlyStopping: nothing says when to stop; give a patience, a generalizationLoss, or both.');
    }
    if (patience !== Infinity && !(Number.isSafeInteger(patience) && patience >= 1)) {
      throw new Error(`EarlyStopping: a patience of ${patience} arrived; give a whole number of at least 1.`);
    }
    if (!(generalizationLoss > 0)) {
      throw new Error(`EarlyStopping: the generalizationLoss ${generalizationLoss} arrived; give percents above 0.`);
    }
    if (!(minimumImprovement >= 0 && Number.isFinite(minimumImprovement))) {
      throw new Error(`EarlyStopping: the minimumImprovement ${minimumImprovement} arrived; give at least 0.`);
    }
    this.patience = patience;
    this.generalizationLoss = generalizationLoss;
    this.minimumImprovement = minimumImprovement;
  }

  /** Continues where `state()` was taken. */
  static fromState(options: EarlyStoppingOptions, state: EarlyStoppingState): EarlyStopping {
    const stopping = new EarlyStopping(options);
    if (!Number.isSafeInteger(state?.waited) || (state.best === null) !== (state.bestStep === null)) {
      throw new Error(
        `EarlyStopping.fromState: ${JSON.stringify(state)} arrived; give what state() returned, ` +
          '{ best, bestStep, waited, stopped }.',
      );
    }
    stopping.#best = state.best ?? undefined;
    stopping.#bestStep = state.bestStep ?? undefined;
    stopping.#waited = state.waited;
    stopping.#stopped = state.stopped;
    return stopping;
  }

  /** The lowest value so far; NaN before the first. */
  get best(): number {
    return this.#best ?? Number.NaN;
  }

  /** The step of the lowest value; NaN before the first. */
  get bestStep(): number {
    return this.#bestStep ?? Number.NaN;
  }

  /** Whether the patience is over or the loss has risen too far. Once true it stays so. */
  get shouldStop(): boolean {
    return this.#stopped;
  }

  /**
   * @param value the evaluation at `step`; NaN counts as no improvement
   * @returns whether it is the best so far: keep these weights
   */
  add(step: number, value: number): boolean {
    const improved = this.#best === undefined ? !Number.isNaN(value) : value < this.#best - this.minimumImprovement;
    if (improved) {
      this.#best = value;
      this.#bestStep = step;
      this.#waited = 0;
      return true;
    }
    this.#waited += 1;
    const risen = this.#best === undefined ? 0 : 100 * (value / this.#best - 1);
    if (this.#waited >= this.patience || risen > this.generalizationLoss) this.#stopped = true;
    return false;
  }

  /** The state so far, for a checkpoint. */
  state(): EarlyStoppingState {
    return {
      best: this.#best ?? null,
      bestStep: this.#bestStep ?? null,
      waited: this.#waited,
      stopped: this.#stopped,
    };
  }
}
