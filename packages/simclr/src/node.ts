/** What needs files. */
export { savePretrained } from './node/save-pretrained.ts';
