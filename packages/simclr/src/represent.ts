/** What a network, or nothing at all, makes of a whole data set: rows of numbers to be judged. */
import { compile, tf } from '@milestones/backend';
import { evaluationBatches, type ImageDataset } from '@milestones/datasets';
import type { SimCLR } from './model.ts';

/** One row of numbers per image. */
export interface Representations {
  /** [N, features], flat. */
  values: Float32Array;
  features: number;
  /** [N] */
  labels: Int32Array;
  /** N */
  count: number;
}

/**
 * h and z of every image, unchanged and whole even where training had smaller views, with the network in evaluation mode:
 * batch norm uses its running estimates.
 */
export async function representImages(
  model: SimCLR,
  images: ImageDataset,
  batchSize = 250,
): Promise<{ h: Representations; z: Representations }> {
  const wasTraining = model.training;
  model.eval();
  const step = compile((batch: tf.Tensor4D) => {
    const h = model.represent(batch); // [B, features]
    // A copy where there is no head: two results must not be one tensor.
    return { h, z: tf.add(model.head.forward(h), 0) };
  });
  const parts: { h: Float32Array[]; z: Float32Array[] } = { h: [], z: [] };
  try {
    for (const batch of evaluationBatches(images, batchSize)) {
      const input = tf.tensor4d(batch.images, batch.shape);
      const found = await step(input);
      parts.h.push((await found.h.data()) as Float32Array);
      parts.z.push((await found.z.data()) as Float32Array);
      tf.dispose([input, found]);
    }
  } finally {
    await step.dispose();
    if (wasTraining) model.train();
  }
  return { h: joined(parts.h, images), z: joined(parts.z, images) };
}

/** The pixels themselves, from 0 to 1: what every representation should beat. */
export function representPixels(images: ImageDataset): Representations {
  const values = new Float32Array(images.images);
  // Float32Array.from would first make a list of 150 million numbers, for which Node has no room.
  for (let at = 0; at < values.length; at++) values[at]! /= 255;
  return { values, features: values.length / images.count, labels: labelsOf(images), count: images.count };
}

/** The first `count` rows. */
export function firstRows({ values, features, labels, count }: Representations, wanted: number): Representations {
  const kept = Math.min(count, wanted);
  return { values: values.subarray(0, kept * features), features, labels: labels.subarray(0, kept), count: kept };
}

function joined(parts: Float32Array[], images: ImageDataset): Representations {
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return { values, features: values.length / images.count, labels: labelsOf(images), count: images.count };
}

function labelsOf({ labels }: ImageDataset): Int32Array {
  return Int32Array.from(labels);
}
