/** Drawings as data. The experiments make them anywhere; the command draws them as SVG and PNG files. */
import type { PixelImage } from '@milestones/datasets';

/** An axis of a chart. */
export interface Axis {
  label: string;
  /** Default `linear`; on a `log` axis, what is not above 0 is left out. */
  scale?: 'linear' | 'log';
}

/** A line, or loose points. */
export interface Series {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
  /** Default `line`. */
  style?: 'line' | 'dashed' | 'points';
}

/** Lines over a common axis. */
export interface LineChart {
  kind: 'lines';
  /** Of the file, without extension: `curves`. */
  name: string;
  title: string;
  x: Axis;
  y: Axis;
  series: readonly Series[];
}

/** Bars side by side, in groups. */
export interface BarChart {
  kind: 'bars';
  /** Of the file, without extension. */
  name: string;
  title: string;
  y: Axis;
  /** Each group's values by series; every group has the same series. */
  groups: readonly { name: string; values: Readonly<Record<string, number>> }[];
}

/** One picture, such as a grid of samples (`imageGrid` of `@milestones/datasets`). */
export interface Picture {
  kind: 'picture';
  /** Of the file, without extension. */
  name: string;
  image: PixelImage;
}

/** What an experiment shows. */
export type Drawing = LineChart | BarChart | Picture;
