/** Weights by a formula that generate_transformer.py has too, so that fixtures need not hold them. */
import { tf } from '@milestones/backend';
import type { Module } from '@milestones/core';

/** Value k of parameter j, parameters in the order of their names: 0.3 sin(1.3 k + j), for norms' weights 1 + a third of it. */
export function fillByFormula(module: Module): void {
  const parameters = [...module.trainableParameters()].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const state = Object.fromEntries(
    parameters.map(([name, { shape, size }], j) => {
      const isScale = /[nN]orm\.weight$/.test(name);
      const values = Float32Array.from({ length: size }, (_, k) => {
        const value = 0.3 * Math.sin(1.3 * k + j);
        return isScale ? 1 + value / 3 : value;
      });
      return [name, tf.tensor(values, [...shape])];
    }),
  );
  module.loadStateDict(state, { strict: false });
  tf.dispose(state);
}
