/** What a graph is built for. Formulations differ: what is fast on one target is slow or missing on another. */
export interface Target {
  /** `cpu-blocked` uses ONNX Runtime's blocked-layout operations, `cpu` only standard ones, `webgpu` the GPU's. */
  readonly name: 'cpu-blocked' | 'cpu' | 'webgpu';
  /** Channels in a block of the blocked layout: 16 with AVX-512, 8 with AVX2 and on ARM; 0 where there is none. */
  readonly block: number;
  /** Whether the graph is for other programs too: then an operation of the network is an operation of the graph. */
  readonly portable?: boolean;
  /** What is left out, to measure what it brings. */
  readonly without?: readonly Optimization[];
}

/**
 * `packed state`: what one optimizer updates as one vector. `fewer multiplications`: 3 × 3 convolutions by Winograd's
 * minimal filtering. `drawn numbers`: random numbers are made beside the graph and fed.
 */
export type Optimization = 'packed state' | 'fewer multiplications' | 'drawn numbers';

/** Only operations of the ONNX standard, and FusedMatMul. Runs on every CPU. */
export const plainCpu: Target = { name: 'cpu', block: 0 };

/** For models that leave this program. */
export const portableCpu: Target = { ...plainCpu, portable: true };

/** Operations that ONNX Runtime's WebGPU provider has. Runs on a CPU too. */
export const webgpu: Target = { name: 'webgpu', block: 0 };

/** Whether one operation of the target can have that many results: a GPU's program reaches 8 tensors at least. */
export const canSplit = ({ name }: Target, parts: number): boolean => name !== 'webgpu' || parts < 8;
