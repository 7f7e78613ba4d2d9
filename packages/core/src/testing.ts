/**
 * What every layer, loss and optimizer is tested with: finite differences, leak counts, agreement of engines, and the one
 * gate for layers, `checkLayer`. Nothing here needs a test framework: a check that fails throws.
 */
export { expectClose, unpack } from './testing/close.ts';
export type { Comparable, PackedTensor } from './testing/close.ts';
export { compareEngines, withEngine } from './testing/engines.ts';
export { checkGradients, differentiate } from './testing/gradients.ts';
export type { Differentiated, GradientCheckOptions } from './testing/gradients.ts';
export { checkLeaks } from './testing/leaks.ts';
export { checkLayer } from './testing/layer.ts';
export type { LayerCheck, LayerFixture } from './testing/layer.ts';
