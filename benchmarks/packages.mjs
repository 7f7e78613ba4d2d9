/** The built packages that the workloads are made of. `pnpm bench` builds them first. */
export { compile, tf, useBackend } from '../packages/backend/dist/index.js';
export * as bertMini from '../packages/bert-mini/dist/index.js';
export * as core from '../packages/core/dist/index.js';
export * as datasets from '../packages/datasets/dist/index.js';
export * as dqn from '../packages/dqn/dist/index.js';
export * as gptMini from '../packages/gpt-mini/dist/index.js';
export * as seq2seq from '../packages/seq2seq/dist/index.js';
export * as simclr from '../packages/simclr/dist/index.js';
export * as transformer from '../packages/transformer/dist/index.js';
