/** Small models for the runtime's tests. */
import { emitModel } from '../../src/emit/emit.ts';
import { ProtobufWriter } from '../../src/emit/protobuf.ts';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu } from '../../src/graph/target.ts';
import type { GraphDtype } from '../../src/graph/value.ts';
import type { HostTensor } from '../../src/runtime/runtime.ts';

export const float32 = (values: readonly number[], shape: readonly number[] = [values.length]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

export const int32 = (values: readonly number[], shape: readonly number[] = [values.length]): HostTensor => ({
  dtype: 'int32',
  shape,
  data: Int32Array.from(values),
});

/** weights ← weights + 2 · x, and the sum of x. */
export function accumulator(size = 4): Uint8Array {
  const graph = new Graph(plainCpu);
  const weights = graph.input('weights', [size], 'float32');
  const x = graph.input('x', [size], 'float32');
  const doubled = graph.op('Mul', [x, graph.scalar(2)], {}, [size], 'float32');
  return emitModel(graph, [
    { name: 'sum', value: graph.op('ReduceSum', [x, graph.integers([0])], { keepdims: 0 }, [], 'float32') },
    { name: 'weights.next', value: graph.op('Add', [weights, doubled], {}, [size], 'float32') },
  ]).bytes;
}

/** y = a · b, elementwise. */
export function product(size = 1): Uint8Array {
  const graph = new Graph(plainCpu);
  const [a, b] = ['a', 'b'].map((name) => graph.input(name, [size], 'float32'));
  return emitModel(graph, [{ name: 'y', value: graph.op('Mul', [a, b], {}, [size], 'float32') }]).bytes;
}

/** count ← count + 1, and the row of a table by its index: an index beyond the table makes the run fail. */
export function lookup(rows = 3): Uint8Array {
  const graph = new Graph(plainCpu);
  const table = graph.input('table', [rows], 'float32');
  const count = graph.input('count', [], 'float32');
  const index = graph.input('index', [1], 'int32');
  return emitModel(graph, [
    { name: 'row', value: graph.op('Gather', [table, index], { axis: 0 }, [1], 'float32') },
    { name: 'count.next', value: graph.op('Add', [count, graph.scalar(1)], {}, [], 'float32') },
  ]).bytes;
}

/** vector ← vector + 1; reads its values 1 and 2 by another name, and returns their double. */
export function partOfVector(): Uint8Array {
  const graph = new Graph(plainCpu);
  const vector = graph.input('vector', [4], 'float32');
  const part = graph.input('part', [2, 1], 'float32');
  return emitModel(graph, [
    { name: 'doubled', value: graph.op('Add', [part, part], {}, [2, 1], 'float32') },
    { name: 'vector.next', value: graph.op('Add', [vector, graph.scalar(1)], {}, [4], 'float32') },
  ]).bytes;
}

/** The same values out as in, of any type. */
export function identity(dtype: GraphDtype, shape: readonly number[]): Uint8Array {
  const graph = new Graph(plainCpu);
  const x = graph.input('x', shape, dtype);
  const kept = graph.input('kept', shape, dtype);
  return emitModel(graph, [
    { name: 'y', value: graph.op('Identity', [x], {}, shape, dtype) },
    { name: 'kept.next', value: graph.op('Identity', [kept], {}, shape, dtype) },
  ]).bytes;
}

/** A chain of products of square matrices: slow in proportion to its length. */
export function slowChain(size: number, length: number): Uint8Array {
  const graph = new Graph(plainCpu);
  const weights = graph.input('weights', [size, size], 'float32');
  const count = graph.input('count', [], 'float32');
  let value = weights;
  for (let step = 0; step < length; step++) {
    value = graph.op('MatMul', [value, weights], {}, [size, size], 'float32');
  }
  return emitModel(graph, [
    { name: 'mean', value: graph.op('ReduceMean', [value], { keepdims: 0 }, [], 'float32') },
    { name: 'count.next', value: graph.op('Add', [count, graph.scalar(1)], {}, [], 'float32') },
  ]).bytes;
}

/** An operation that does not exist. */
export function unknownOperation(): Uint8Array {
  const graph = new Graph(plainCpu);
  const x = graph.input('x', [2], 'float32');
  return emitModel(graph, [{ name: 'y', value: graph.op('Levitate', [x], {}, [2], 'float32') }]).bytes;
}

/** An operation that exists for other types. */
export function unimplementedType(): Uint8Array {
  const graph = new Graph(plainCpu);
  const x = graph.input('x', [1, 1, 2, 2], 'float64');
  return emitModel(graph, [{ name: 'y', value: graph.op('Conv', [x, x], {}, [1, 1, 1, 1], 'float64') }]).bytes;
}

/** Wants 2⁴² bytes for one tensor. */
export function enormous(): Uint8Array {
  const graph = new Graph(plainCpu);
  const x = graph.input('x', [1, 1], 'float32');
  const shape = [2 ** 20, 2 ** 20];
  const expanded = graph.op('Expand', [x, graph.integers(shape)], {}, shape, 'float32');
  const total = graph.op('ReduceSum', [expanded], { keepdims: 0 }, [], 'float32');
  return emitModel(graph, [{ name: 'y', value: total }]).bytes;
}

/** Carries `floats` numbers that are not all the same. */
export function heavy(floats: number): Uint8Array {
  const graph = new Graph(plainCpu);
  const x = graph.input('x', [1], 'float32');
  const ramp = graph.constant(
    Float32Array.from({ length: floats }, (_, index) => index),
    [floats],
    'float32',
  );
  const weights = graph.input('weights', [floats], 'float32');
  return emitModel(graph, [
    { name: 'weights.next', value: graph.op('Add', [weights, ramp], {}, [floats], 'float32') },
    { name: 'y', value: graph.op('Add', [x, x], {}, [1], 'float32') },
  ]).bytes;
}

/** y = −x for any number of rows of three. */
export function negateRows(): Uint8Array {
  const writer = new ProtobufWriter();
  const valueInfo = (field: number, name: string): void =>
    writer.message(field, () => {
      writer.text(1, name);
      writer.message(2, () =>
        writer.message(1, () => {
          writer.integer(1, 1);
          writer.message(2, () => {
            writer.message(1, () => writer.text(2, 'rows'));
            writer.message(1, () => writer.integer(1, 3));
          });
        }),
      );
    });
  writer.integer(1, 9);
  writer.message(7, () => {
    writer.message(1, () => {
      writer.text(1, 'x');
      writer.text(2, 'y');
      writer.text(4, 'Neg');
    });
    writer.text(2, 'negate');
    valueInfo(11, 'x');
    valueInfo(12, 'y');
  });
  writer.message(8, () => {
    writer.text(1, '');
    writer.integer(2, 20);
  });
  return writer.finish();
}
