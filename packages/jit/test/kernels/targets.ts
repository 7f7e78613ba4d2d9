/** What graphs can be built for on this machine. */
import { physical } from '../../src/build/layout.ts';
import { convolve } from '../../src/build/convolve.ts';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu, webgpu, type Target } from '../../src/graph/target.ts';
import { isOnGpu, runGraph } from '../run-graph.ts';

/** Every target that can run here: only the GPU's where the tests run on one. */
export async function allTargets(): Promise<Target[]> {
  return isOnGpu ? [webgpu] : [plainCpu, webgpu, ...(await blockedTargets())];
}

/** The block size is compiled into ONNX Runtime's kernels: with the wrong one, results are wrong or the run throws. */
async function blockedTargets(): Promise<Target[]> {
  const candidates: Target[] = [16, 8].map((block) => ({ name: 'cpu-blocked', block }));
  const expected = await convolution(plainCpu);
  const works = await Promise.all(
    candidates.map(async (target) => {
      try {
        const found = await convolution(target);
        return found.every((number, index) => Math.abs(number - expected[index]!) < 1e-4);
      } catch {
        return false;
      }
    }),
  );
  return candidates.filter((_, index) => works[index]);
}

async function convolution(target: Target): Promise<number[]> {
  const graph = new Graph(target);
  const shape = [1, 3, 3, 32] as const;
  const x = graph.input('x', shape, 'float32');
  const filter = graph.input('filter', [3, 3, 32, 32], 'float32');
  const wave = (size: number): Float32Array =>
    Float32Array.from({ length: size }, (_, index) => Math.sin(index * index));
  const window = { size: [3, 3], strides: [1, 1], dilations: [1, 1], before: [1, 1], after: [1, 1] } as const;
  const y = convolve(graph, x, filter, { window, input: shape, output: shape });
  const nchw = physical(graph, y, 'nchw');
  const results = await runGraph(graph, { y: nchw }, { x: wave(288), filter: wave(9216) });
  return Array.from(results['y']!.data as Float32Array);
}
