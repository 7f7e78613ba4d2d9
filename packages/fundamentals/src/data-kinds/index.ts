import type { Family } from '../family.ts';
import { detection } from './detection.ts';
import { pose } from './pose.ts';
import { segmentation } from './segmentation.ts';
import { visualQuestions } from './visual-questions.ts';

/** Which labels, loss and metric go with which task. */
export const dataKinds: Family = {
  name: 'data-kinds',
  title: 'One example per kind of data',
  experiments: [segmentation, detection, pose, visualQuestions],
};
