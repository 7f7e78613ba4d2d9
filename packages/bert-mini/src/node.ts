export { savePretrained } from './node/save-pretrained.ts';
