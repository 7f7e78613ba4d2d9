/** What needs files: saving a model. Node only. */
export { savePretrained } from './node/save-pretrained.ts';
