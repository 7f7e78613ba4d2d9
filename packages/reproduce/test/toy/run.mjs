// Runs the toy in a process of its own, from the sources: what tests of signals and kills need.
import { register } from 'node:module';

register('./typescript-loader.mjs', import.meta.url);
const { main } = await import('./src/reproduce.ts');
process.exitCode = await main(process.argv.slice(2));
