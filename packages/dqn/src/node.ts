/** What needs files or other processes. */
export { savePretrained } from './node/save-pretrained.ts';
export {
  connectEnvironment,
  EnvironmentProcessError,
  type EnvironmentProcessOptions,
} from './node/environment-process.ts';
