/** SIGINT and SIGTERM: the first asks the loop to stop after the current step, the second ends the process at once. */
export class StopSignals {
  #requested = false;
  readonly #onSignal: (signal: NodeJS.Signals) => void;

  /** `announce` is called once, on the first signal. */
  constructor(announce: () => void) {
    this.#onSignal = () => {
      if (this.#requested) process.exit(130);
      this.#requested = true;
      announce();
    };
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
  }

  /** Whether a signal has arrived. */
  get requested(): boolean {
    return this.#requested;
  }

  dispose(): void {
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
  }
}
