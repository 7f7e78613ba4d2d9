/**
 * The net that answers questions about images. Antol et al. 2015; Perez et al. 2018.
 * Dimensions: B batch, H×W pixels, T words, C channels, A answers.
 */
import { tf } from '@milestones/backend';
import { Convolution2D, Dense, Embedding, heNormal, Lstm, Module, zeros } from '@milestones/core';
import { sceneAnswers } from '@milestones/datasets';

const start = { weightInitializer: heNormal(), biasInitializer: zeros() };

/** Image and question → answer. */
export class QuestionNet extends Module {
  readonly words: Embedding;
  readonly reader: Lstm;
  readonly eyes: Convolution2D[];
  readonly looks: Convolution2D[];
  readonly gates: Dense[];
  readonly hidden: Dense;
  readonly output: Dense;

  constructor(words: number, channels: number) {
    super();
    this.words = new Embedding(words, channels);
    this.reader = new Lstm({ features: channels, hidden: 2 * channels });
    const halving = { size: 4, stride: 2, padding: 1 } as const;
    this.eyes = [
      new Convolution2D({ ...start, inputChannels: 3, outputChannels: channels, ...halving }),
      new Convolution2D({ ...start, inputChannels: channels, outputChannels: channels, ...halving }),
    ];
    // Two channels more: where a pixel is, without which "left of" has no answer.
    this.looks = [0, 1].map((look) => {
      return new Convolution2D({
        ...start,
        inputChannels: channels + (look === 0 ? 2 : 0),
        outputChannels: channels,
        size: 3,
        padding: 1,
      });
    });
    this.gates = [0, 1].map(() => new Dense(2 * channels, 2 * channels));
    this.hidden = new Dense(2 * channels, 2 * channels);
    this.output = new Dense(2 * channels, sceneAnswers.length);
  }

  /** [B, H, W, 3] and int32 [B, T] → [B, A] */
  forward(images: tf.Tensor4D, question: tf.Tensor2D): tf.Tensor {
    const { states } = this.reader.forward(this.words.forward(question));
    const asked = states[0]!.output; // [B, 2 C]
    let x = this.eyes.reduce((features, layer) => tf.relu(layer.forward(features)), images); // [B, H/4, W/4, C]
    x = tf.concat([x, coordinates(x)], 3);
    for (const [index, look] of this.looks.entries()) {
      const seen = look.forward(x); // [B, H/4, W/4, C]
      const [scale, shift] = tf.split(tf.reshape(this.gates[index]!.forward(asked), [seen.shape[0], 1, 1, -1]), 2, 3);
      x = tf.relu(tf.add(tf.mul(seen, tf.add(scale!, 1)), shift!)) as tf.Tensor4D;
    }
    const brightest = tf.max(x, [1, 2]); // [B, C]
    const all = tf.mean(x, [1, 2]); // [B, C]: counting needs a sum
    return this.output.forward(tf.relu(this.hidden.forward(tf.concat([brightest, all], 1))));
  }
}

/** [B, H, W, 2]: from −1 on the left and above to 1. */
function coordinates({ shape: [images, height, width] }: tf.Tensor4D): tf.Tensor4D {
  const across = tf.tile(tf.reshape(tf.linspace(-1, 1, width), [1, 1, width, 1]), [images, height, 1, 1]);
  const down = tf.tile(tf.reshape(tf.linspace(-1, 1, height), [1, height, 1, 1]), [images, 1, width, 1]);
  return tf.concat([across, down], 3) as tf.Tensor4D;
}
