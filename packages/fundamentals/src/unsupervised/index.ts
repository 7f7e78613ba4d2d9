import type { Family } from '../family.ts';
import { characterRnn } from './character-rnn.ts';
import { denoisingAutoencoder } from './denoising-autoencoder.ts';
import { pixelCnn } from './pixel-cnn.ts';
import { word2vec } from './word2vec.ts';

/** Learning without labels. */
export const unsupervised: Family = {
  name: 'unsupervised',
  title: 'Unsupervised and sequence classics',
  experiments: [characterRnn, word2vec, pixelCnn, denoisingAutoencoder],
};
