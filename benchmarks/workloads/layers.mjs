/** Dense layers with an activation between them. */
import { core } from '../packages.mjs';

/** See the file's head. Weights start as in the peer: both draw U(−1/√n, 1/√n), n inputs. */
export class Layers extends core.Module {
  /**
   * @param {number[]} widths features in, of each hidden layer, and out
   * @param {(x: import('../packages.mjs').tf.Tensor) => import('../packages.mjs').tf.Tensor} activation
   */
  constructor(widths, activation) {
    super();
    this.layers = widths.slice(1).map((width, index) => new core.Dense(widths[index], width));
    this.between = activation;
  }

  /** x [B, in] → [B, out] */
  forward(x) {
    return this.layers.reduce((h, layer, index) => layer.forward(index === 0 ? h : this.between(h)), x);
  }
}
