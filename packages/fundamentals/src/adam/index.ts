import type { Family } from '../family.ts';
import { adamFigure1 } from './adam-figure-1.ts';
import { adamFigure2a } from './adam-figure-2a.ts';
import { adamFigure4 } from './adam-figure-4.ts';

/** Kingma and Ba 2014, section 6: the figures. */
export const adam: Family = {
  name: 'adam',
  title: 'Adam (2014)',
  experiments: [adamFigure1, adamFigure2a, adamFigure4],
};
