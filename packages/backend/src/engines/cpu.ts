import { tf } from '../tf.ts';
import type { EngineDefinition } from './engine.ts';

/** The engine `cpu`: plain JavaScript, part of tfjs itself. Slow, always there, and the reference for all others. */
export const cpu: EngineDefinition = {
  name: 'cpu',
  tfjsBackend: 'cpu',
  description: 'plain JavaScript, the numerical reference',
  load: async () => ({ usable: true, version: tf.version.tfjs }),
};
