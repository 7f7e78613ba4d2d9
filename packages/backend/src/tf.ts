/**
 * The single TensorFlow.js instance of the project. Everything above this package takes tensors from here, because two
 * copies of tfjs in one program hold two engines, and a tensor of one is unknown to the other.
 */
import * as tf from '@tensorflow/tfjs';

export { tf };
