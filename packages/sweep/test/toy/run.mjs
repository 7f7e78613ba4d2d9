// Runs the command of sweeps on the toy in a process of its own, from the sources: what tests of kills need.
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';

register(new URL('../../../reproduce/test/toy/typescript-loader.mjs', import.meta.url));
const { main } = await import('../../src/index.ts');
const entry = fileURLToPath(new URL('reproduce.mjs', import.meta.url));
process.exitCode = await main(process.argv.slice(2), { prefix: 'pnpm sweep', locate: () => entry });
