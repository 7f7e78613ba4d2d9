/** Activation functions: tensor in, tensor of the same shape out, differentiable on every engine. */
import { runFused, tf, type FusedOperation } from '@milestones/backend';
import { withGradient } from './with-gradient.ts';

/** Rectified linear unit, max(x, 0); its gradient at 0 is 0. Nair and Hinton 2010. */
export function relu(x: tf.Tensor): tf.Tensor {
  return tf.relu(x);
}

/** x where x > 0, else `slope` · x. Maas et al. 2013. The default slope is theirs, 0.01; many GANs use 0.2. */
export function leakyRelu(x: tf.Tensor, slope = 0.01): tf.Tensor {
  return tf.leakyRelu(x, slope);
}

/** Logistic function, 1 / (1 + e^−x). */
export function sigmoid(x: tf.Tensor): tf.Tensor {
  return tf.sigmoid(x);
}

/** Hyperbolic tangent. */
export function tanh(x: tf.Tensor): tf.Tensor {
  return tf.tanh(x);
}

/** e^xₖ / Σⱼ e^xⱼ over the last axis. */
export function softmax(x: tf.Tensor): tf.Tensor {
  return tf.softmax(x);
}

const GELU = {
  kernel: 'MilestonesGelu',
  outputs: ['y'],
  differentiable: ['x'],
  gradient: { kernel: 'MilestonesGeluGradient', needs: ['x'] },
} as const satisfies FusedOperation;

/**
 * Gaussian error linear unit, exact form: x · Φ(x) = x (1 + erf(x / √2)) / 2. Hendrycks and Gimpel 2016, section 2.
 *
 *     d/dx = Φ(x) + x φ(x)
 *
 * tfjs approximates erf to about 1.5e-7 on its own engines.
 */
export function gelu(x: tf.Tensor): tf.Tensor {
  return runFused(GELU, { x }, {}, () => geluComposed(x));
}

function geluComposed(x: tf.Tensor): tf.Tensor {
  return withGradient<[tf.Tensor, tf.Tensor]>(
    x,
    (input) => {
      const share = tf.mul(tf.add(tf.erf(tf.mul(input, Math.SQRT1_2)), 1), 0.5); // Φ(x)
      return { value: tf.mul(input, share), saved: [input, share] };
    },
    (dy, [input, share]) => {
      const density = tf.mul(tf.exp(tf.mul(tf.square(input), -0.5)), 1 / Math.sqrt(2 * Math.PI)); // φ(x)
      return tf.mul(tf.add(share, tf.mul(input, density)), dy);
    },
  );
}

/**
 * Gaussian error linear unit, the approximation by tanh that GPT-2 and BERT were trained with.
 * Hendrycks and Gimpel 2016, section 2.
 *
 *     x (1 + tanh u) / 2 = x σ(2 u)         u = √(2/π) (x + 0.044715 x³)
 *     d/dx = s + x s (1 − s) · 2 u′         s = σ(2 u)
 */
export function geluTanh(x: tf.Tensor): tf.Tensor {
  const linear = 2 * Math.sqrt(2 / Math.PI);
  const cubic = linear * 0.044715;
  return withGradient<[tf.Tensor, tf.Tensor]>(
    x,
    (input) => {
      const share = tf.sigmoid(tf.mul(tf.add(tf.mul(tf.square(input), cubic), linear), input));
      return { value: tf.mul(input, share), saved: [input, share] };
    },
    (dy, [input, share]) => {
      const inner = tf.mul(tf.add(tf.mul(tf.square(input), 3 * cubic), linear), input); // x · 2 u′
      const bend = tf.mul(tf.mul(share, tf.sub(1, share)), inner);
      return tf.mul(tf.add(share, bend), dy);
    },
  );
}

/** The activations that a configuration can name. */
export type ActivationName = 'identity' | 'relu' | 'leakyRelu' | 'gelu' | 'geluTanh' | 'sigmoid' | 'tanh' | 'softmax';

const ACTIVATIONS: Readonly<Record<ActivationName, (x: tf.Tensor) => tf.Tensor>> = {
  identity: (x) => x,
  relu,
  leakyRelu: (x) => leakyRelu(x),
  gelu,
  geluTanh,
  sigmoid,
  tanh,
  softmax,
};

/** The activation called `name`. */
export function activation(name: ActivationName): (x: tf.Tensor) => tf.Tensor {
  if (!Object.hasOwn(ACTIVATIONS, name)) {
    throw new Error(
      `activation: the name "${String(name)}" arrived; choose one of ${Object.keys(ACTIVATIONS).join(', ')}.`,
    );
  }
  return ACTIVATIONS[name];
}
