/** What needs files. */
export { saveGenerator } from './node/save-generator.ts';
