import { nonNegativeInteger, option, positiveInteger, positiveNumber, wholeNumber } from '@milestones/core';
import * as v from 'valibot';

export const configSchema = v.strictObject({
  points: option(v.pipe(wholeNumber, v.minValue(2)), 60, 'number of points'),
  steps: option(positiveInteger, 200, 'training steps'),
  batchSize: option(positiveInteger, 10, 'B, points per step'),
  checkpointEvery: option(positiveInteger, 10, 'steps between checkpoints'),
  optimizer: v.optional(
    v.strictObject({
      name: option(v.picklist(['momentum', 'plain']), 'momentum', 'kind of gradient descent'),
      learningRate: option(positiveNumber, 0.1, 'size of a step'),
    }),
    {},
  ),
  pauseMilliseconds: option(nonNegativeInteger, 0, 'wait after each step'),
  breakAt: option(v.nullable(wholeNumber), null, 'step at which the loss becomes NaN'),
});

export type Config = v.InferOutput<typeof configSchema>;
