/**
 * Every tfjs kernel that can become graph nodes, by tfjs's name. A kernel that is missing here runs on another engine.
 *
 * Left out, because ONNX has no exact equal:
 * - complex numbers and spectra (`Complex`, `Real`, `Imag`, `ComplexAbs`, `FFT`, `IFFT`) and strings (`StringSplit`, …):
 *   a graph holds neither type;
 * - results whose shape depends on data (`Unique`, `RaggedGather`, `SparseFillEmptyRows`, `NonMaxSuppressionV3`, …):
 *   a graph's shapes are fixed;
 * - `Multinomial`: it draws from a generator of its own; `MilestonesCounterRandom` takes its place;
 * - `Bincount`, `DenseBincount`, `SearchSorted`: they throw for some values, or search;
 * - `CropAndResize`, `Transform`, `RotateWithOffset`, `Dilation2D`: ONNX samples images by other rules;
 * - `LogSoftmax`: tfjs composes it itself, no engine has the kernel.
 */
import { fused } from './fused.ts';
import { comparisonKernels } from './comparison.ts';
import { convolutionKernels } from './convolution.ts';
import { elementwiseKernels } from './elementwise.ts';
import { imageKernels } from './image.ts';
import { indexingKernels } from './indexing.ts';
import { matmulKernels } from './matmul.ts';
import { normalizationKernels } from './normalization.ts';
import { poolingKernels } from './pooling.ts';
import { randomKernels } from './random.ts';
import { reductionKernels } from './reduction.ts';
import { shapeKernels } from './shape.ts';
import type { Kernel, KernelFamily } from './kernel.ts';

const families: readonly KernelFamily[] = [
  comparisonKernels,
  convolutionKernels,
  elementwiseKernels,
  imageKernels,
  indexingKernels,
  matmulKernels,
  normalizationKernels,
  poolingKernels,
  randomKernels,
  reductionKernels,
  shapeKernels,
  fused,
];

/** See the file's head. */
export const kernels: ReadonlyMap<string, Kernel> = new Map(families.flatMap((family) => Object.entries(family)));
