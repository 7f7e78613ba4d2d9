/**
 * The single TensorFlow.js instance of the project. Everything above this package takes tensors from here, because two
 * copies of tfjs in one program hold two engines, and a tensor of one is unknown to the other.
 */
import * as tf from '@tensorflow/tfjs';

export { tf };

// tfjs otherwise advises every Node program to install its native backend; `useBackend` and `doctor` say more exactly
// which engine is in use, and why.
tf.env().set('PROD', true);
