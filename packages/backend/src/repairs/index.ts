/**
 * Repairs of TensorFlow.js 4.22: gradients that are wrong or missing on every engine, and kernels that are wrong, missing
 * or needlessly slow on the WASM backend. They replace entries of tfjs's own registries, so that programs use plain tfjs.
 */
import { installEinsum } from './einsum.ts';
import { installComparisonGradients } from './gradients/comparison.ts';
import { installImageGradients } from './gradients/image.ts';
import { installIndexingGradients } from './gradients/indexing.ts';
import { installProductGradients } from './gradients/matmul.ts';
import { installPoolingGradients } from './gradients/pooling.ts';
import { installRunningGradients } from './gradients/running.ts';
import { installReferenceRepairs } from './reference.ts';
import { installConvolution } from './wasm/convolution.ts';
import { installElementwise } from './wasm/elementwise.ts';
import { installFallbacks } from './wasm/fallback.ts';
import { installLayout } from './wasm/layout.ts';
import { installMatMul } from './wasm/matmul.ts';
import { installPooling } from './wasm/pooling.ts';
import { installReductions } from './wasm/reduction.ts';
import { installSegmentSum } from './wasm/segment.ts';
import { installStrides } from './wasm/stride.ts';
import { installTranspose } from './wasm/transpose.ts';

let wasmRepaired = false;

/** Replaces kernels of the WASM backend. Call it once that backend is set up; a second call does nothing. */
export function installWasmRepairs(): void {
  if (wasmRepaired) return;
  wasmRepaired = true;
  installTranspose();
  installMatMul();
  installLayout();
  installStrides();
  installElementwise();
  installReductions();
  installSegmentSum();
  installConvolution();
  installPooling();
  installEinsum('wasm');
  installFallbacks();
}

let gradientsRepaired = false;

/** Replaces gradients on every engine, and two wrong kernels of the cpu engine. A second call does nothing. */
export function installGradientRepairs(): void {
  if (gradientsRepaired) return;
  gradientsRepaired = true;
  installReferenceRepairs();
  installEinsum('cpu');
  installComparisonGradients();
  installProductGradients();
  installIndexingGradients();
  installImageGradients();
  installPoolingGradients();
  installRunningGradients();
}
