import { z } from 'zod';

export const configSchema = z.strictObject({
  points: z.int().min(2).default(60).describe('number of points'),
  steps: z.int().min(1).default(200).describe('training steps'),
  batchSize: z.int().min(1).default(10).describe('B, points per step'),
  checkpointEvery: z.int().min(1).default(10).describe('steps between checkpoints'),
  optimizer: z
    .strictObject({
      name: z.enum(['momentum', 'plain']).default('momentum').describe('kind of gradient descent'),
      learningRate: z.number().positive().default(0.1).describe('size of a step'),
    })
    .prefault({}),
  pauseMilliseconds: z.int().min(0).default(0).describe('wait after each step'),
  breakAt: z.int().nullable().default(null).describe('step at which the loss becomes NaN'),
});

export type Config = z.output<typeof configSchema>;
