/** What a stride leaves apart, put together again. */
import type { Graph } from '../graph/graph.ts';
import type { Value } from '../graph/value.ts';
import { asLayout, imageShape, kindFor, physical } from './layout.ts';
import { concat, reshape, slice } from './plain.ts';

/**
 * Images woven along an axis: pixel i of image j becomes pixel i · images + j. The result is cut to a length.
 * @param axis 0 for H, 1 for W
 */
export function interleave(graph: Graph, axis: 0 | 1, images: readonly Value[], length: number): Value {
  const [n, h, w, channels] = imageShape(images[0]!.shape);
  const kind = kindFor(graph, channels);
  const block = kind === 'blocked' ? graph.target.block : 1;
  const blocks = channels / block;
  const count = axis === 0 ? h : w;
  // What lies within one step of the axis stays together.
  const inner = axis === 0 ? w * block : block;
  const outer = axis === 0 ? n * blocks : n * blocks * h;
  const apart = images.map((image) => reshape(graph, physical(graph, image, kind), [outer, count, 1, inner]));
  const whole = reshape(graph, concat(graph, apart, 2), [outer, count * images.length, inner]);
  const cut = slice(graph, whole, [0, 0, 0], [outer, length, inner]);
  return asLayout(graph, cut, kind, axis === 0 ? [n, length, w, channels] : [n, h, length, channels]);
}
