import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime } from '../../src/index.ts';
import type { GraphDtype } from '../../src/graph/value.ts';
import type { HostTensor, Runtime } from '../../src/runtime/runtime.ts';
import {
  accumulator,
  enormous,
  float32,
  identity,
  int32,
  lookup,
  negateRows,
  partOfVector,
  product,
  slowChain,
  unimplementedType,
  unknownOperation,
} from './models.ts';

const weightsState = (values: readonly number[]) => [
  { input: 'weights', output: 'weights.next', initial: float32(values) },
];
const lookupState = [
  { input: 'table', initial: float32([10, 20, 30]) },
  { input: 'count', output: 'count.next', initial: float32([0], []) },
];

describe.each(['worker', 'inline'] as const)('a session, %s', (thread) => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await createRuntime({ thread, threads: 2 });
  });
  afterAll(() => runtime.dispose());

  it('knows its version and where it runs', () => {
    expect(runtime).toMatchObject({ version: '1.30.0', thread });
  });

  it('runs, and its state goes on from run to run', async () => {
    const session = await runtime.createSession(accumulator(), { state: weightsState([1, 2, 3, 4]) });
    expect(session.feeds).toEqual([{ name: 'x', dtype: 'float32', shape: [4] }]);
    expect(session.results).toEqual([{ name: 'sum', dtype: 'float32', shape: [] }]);
    const x = float32([1, 0, -1, 3]);
    const first = await session.run({ x });
    expect(first).toEqual({ sum: float32([3], []) });
    expect(session.readState('weights')).toEqual(Float32Array.of(3, 2, 1, 10));
    for (let step = 0; step < 4; step++) await session.run({ x });
    expect(session.readState('weights')).toEqual(Float32Array.of(11, 2, -7, 34));
    expect(first['sum']!.data).toEqual(Float32Array.of(3));
    await session.dispose();
  });

  it('gives copies of its state and takes new values', async () => {
    const session = await runtime.createSession(accumulator(), { state: weightsState([0, 0, 0, 0]) });
    const before = session.readState('weights');
    before.fill(7 as never);
    expect(session.readState('weights')).toEqual(new Float32Array(4));
    const values = Float32Array.of(1, 1, 1, 1);
    session.writeState('weights', values);
    values.fill(9);
    await session.run({ x: float32([1, 1, 1, 1]) });
    expect(session.readState('weights')).toEqual(Float32Array.of(3, 3, 3, 3));
    expect(() => session.writeState('weights', Float32Array.of(1))).toThrow(
      'writeState: weights arrived with 1 values in a Float32Array; give 4 in a Float32Array.',
    );
    expect(() => session.readState('moments')).toThrow('no state is named moments; this session has weights.');
    await session.dispose();
  });

  it('passes its state to another session without an array in between', async () => {
    const [from, to] = await Promise.all(
      [
        [5, 6, 7, 8],
        [0, 0, 0, 0],
      ].map((weights) => runtime.createSession(accumulator(), { state: weightsState(weights) })),
    );
    const x = float32([1, 1, 1, 1]);
    // Both are under way: each side waits for its own run.
    const runs = [from!.run({ x }), to!.run({ x })];
    to!.writeState('weights', (place) => expect(from!.readState('weights', place)).toBe(place));
    await Promise.all(runs);
    expect(to!.readState('weights')).toEqual(Float32Array.of(7, 8, 9, 10));
    await to!.run({ x });
    expect(to!.readState('weights')).toEqual(Float32Array.of(9, 10, 11, 12));
    expect(from!.readState('weights')).toEqual(Float32Array.of(7, 8, 9, 10));
    await Promise.all([from!.dispose(), to!.dispose()]);
  });

  it('keeps several sessions apart', async () => {
    const sessions = await Promise.all(
      [1, 2, 3].map((start) =>
        runtime.createSession(accumulator(), { state: weightsState([start, start, start, start]) }),
      ),
    );
    await Promise.all(sessions.map((session) => session.run({ x: float32([1, 1, 1, 1]) })));
    expect(sessions.map((session) => session.readState('weights')[0])).toEqual([3, 4, 5]);
    await Promise.all(sessions.map((session) => session.dispose()));
  });

  it('runs in the order of the calls, on the feeds as they were at the call', async () => {
    const session = await runtime.createSession(accumulator(1), { state: weightsState([0]) });
    const x = new Float32Array(1);
    const runs = [1, 2, 3, 4, 5].map((value) => {
      x[0] = value;
      return session.run({ x: { dtype: 'float32', shape: [1], data: x } });
    });
    const sums = (await Promise.all(runs)).map(({ sum }) => sum!.data[0]);
    expect(sums).toEqual([1, 2, 3, 4, 5]);
    expect(session.readState('weights')).toEqual(Float32Array.of(30));
    await session.dispose();
  });

  it('waits for the run under way when its state is read or written', async () => {
    const state = [
      { input: 'weights', initial: float32(Array.from({ length: 128 * 128 }, () => 0.001), [128, 128]) }, // prettier-ignore
      { input: 'count', output: 'count.next', initial: float32([0], []) },
    ];
    const session = await runtime.createSession(slowChain(128, 20), { state });
    const running = session.run({});
    expect(session.readState('count')).toEqual(Float32Array.of(1));
    const second = session.run({});
    session.writeState('count', Float32Array.of(10));
    const third = session.run({});
    await Promise.all([running, second, third]);
    expect(session.readState('count')).toEqual(Float32Array.of(11));
    await session.dispose();
  });

  it.each([
    ['float32', Float32Array.of(1.5, -2)],
    ['float64', Float64Array.of(1.5, -2)],
    ['int32', Int32Array.of(1, -2)],
    ['int64', BigInt64Array.of(1n, -2n)],
    ['uint32', Uint32Array.of(1, 2 ** 32 - 1)],
    ['uint8', Uint8Array.of(1, 255)],
    ['bool', Uint8Array.of(1, 0)],
  ] as const)('carries %s in feeds, state and results', async (dtype: GraphDtype, data) => {
    const tensor: HostTensor = { dtype, shape: [2, 1], data };
    const state = [{ input: 'kept', output: 'kept.next', initial: tensor }];
    const session = await runtime.createSession(identity(dtype, [2, 1]), { state });
    expect(await session.run({ x: tensor })).toEqual({ y: tensor });
    expect(session.readState('kept')).toEqual(data);
    await session.dispose();
  });

  it('carries tensors without values', async () => {
    const empty: HostTensor = { dtype: 'float32', shape: [0, 3], data: new Float32Array(0) };
    const state = [{ input: 'kept', output: 'kept.next', initial: empty }];
    const session = await runtime.createSession(identity('float32', [0, 3]), { state });
    expect(await session.run({ x: empty })).toEqual({ y: empty });
    expect(session.readState('kept')).toHaveLength(0);
    await session.dispose();
  });

  it('runs a model whose number of rows is open', async () => {
    const session = await runtime.createSession(negateRows());
    expect(session.feeds).toEqual([{ name: 'x', dtype: 'float32', shape: ['rows', 3] }]);
    expect(await session.run({ x: float32([1, 2, 3], [1, 3]) })).toEqual({ y: float32([-1, -2, -3], [1, 3]) });
    const more = float32([1, 2, 3, 4, 5, 6], [2, 3]);
    expect((await session.run({ x: more }))['y']).toMatchObject({ shape: [2, 3] });
    await expect(session.run({ x: float32([1, 2], [1, 2]) })).rejects.toThrow(
      'run: x arrived as float32 [1, 2]; the model has float32 [rows, 3].',
    );
    await session.dispose();
  });

  it.each([
    [{}, 'run: the feed index is missing; give int32 of the shape [1].'],
    [{ index: float32([1]) }, 'run: index arrived as float32 [1]; the model has int32 [1].'],
    [{ index: int32([1, 2]) }, 'run: index arrived as int32 [2]; the model has int32 [1].'],
    [{ index: { ...int32([1]), data: new Float32Array(1) } }, 'run: index arrived with 1 values in a Float32Array;'],
    [{ index: { ...int32([1]), data: new Int32Array(2) } }, 'run: index arrived with 2 values in a Int32Array;'],
    [{ index: int32([1]), indices: int32([1]) }, 'run: the model has no input indices; feed index only.'],
    [{ index: int32([1]), table: float32([1]) }, 'run: table is a state of the session; change it by writeState.'],
  ] as const)('refuses the feeds %j', async (feeds, message) => {
    const session = await runtime.createSession(lookup(), { state: lookupState });
    await expect(session.run(feeds as Record<string, HostTensor>)).rejects.toThrow(message);
    await session.dispose();
  });

  it('has the state from before a run that failed, and runs on', async () => {
    const session = await runtime.createSession(lookup(), { state: lookupState });
    await session.run({ index: int32([2]) });
    const failing = session.run({ index: int32([7]) });
    const following = session.run({ index: int32([0]) });
    await expect(failing).rejects.toThrow(/^run: ONNX Runtime refused: .*Gather.*indices element out of data bounds/s);
    expect((await following)['row']!.data).toEqual(Float32Array.of(10));
    expect(session.readState('count')).toEqual(Float32Array.of(2));
    expect(session.readState('table')).toEqual(Float32Array.of(10, 20, 30));
    await session.dispose();
  });

  it('says so when memory does not suffice', async () => {
    const session = await runtime.createSession(enormous());
    await expect(session.run({ x: float32([1], [1, 1]) })).rejects.toThrow(
      'run: out of memory (4194304 MiB at once); make the batch or the model smaller.',
    );
    await session.dispose();
  });

  it.each([
    ['an unknown operation', unknownOperation(), 'createSession: ONNX Runtime has no operation Levitate (version 20'],
    [
      'a type without an implementation',
      unimplementedType(),
      'createSession: ONNX Runtime does not compute the operation Conv for the types that arrive;',
    ],
    ['bytes that are no model', Uint8Array.of(1, 2, 3, 4), 'createSession: the bytes are not an ONNX model;'],
    ['no bytes', new Uint8Array(0), 'createSession: the bytes are not an ONNX model;'],
  ])('refuses %s', async (_, model, message) => {
    await expect(runtime.createSession(model)).rejects.toThrow(message);
  });

  it.each([
    [
      { input: 'weights', output: 'next', initial: float32([1, 2, 3, 4]) },
      'by next, which the model lacks; it has sum',
    ],
    [
      { input: 'weights', output: 'weights.next', initial: float32([1]) },
      'weights arrived as float32 [1]; the model has',
    ],
    [{ input: 'weights', output: 'sum', initial: float32([1, 2, 3, 4]) }, 'sum, the next value of weights, arrived as'],
    [{ input: 'weights', initial: { ...float32([1, 2, 3, 4]), data: new Int32Array(4) } }, 'in a Int32Array; give 4'],
  ])('refuses the state %j', async (slot, message) => {
    await expect(runtime.createSession(accumulator(), { state: [slot] })).rejects.toThrow(message);
  });

  it('refuses two states with one output', async () => {
    const state = [...weightsState([1, 1, 1, 1]), { input: 'other', output: 'weights.next', initial: float32([1]) }];
    await expect(runtime.createSession(accumulator(), { state })).rejects.toThrow('share the output weights.next');
  });

  it('keeps a state that the model writes and never reads', async () => {
    const state = [
      ...weightsState([0, 0, 0, 0]),
      { input: 'last sum', output: 'sum', initial: float32([0], []) },
      { input: 'untouched', initial: float32([5]) },
    ];
    const session = await runtime.createSession(accumulator(), { state });
    expect(await session.run({ x: float32([1, 2, 3, 4]) })).toEqual({});
    expect(session.readState('last sum')).toEqual(Float32Array.of(10));
    expect(session.readState('untouched')).toEqual(Float32Array.of(5));
    await session.dispose();
  });

  it('keeps a part of a state where the whole has it', async () => {
    const state = [
      { input: 'part', inside: { input: 'vector', offset: 1 }, initial: float32([7, 8], [2, 1]) },
      { input: 'vector', output: 'vector.next', initial: float32([1, 2, 3, 4]) },
    ];
    const session = await runtime.createSession(partOfVector(), { state });
    expect(session.readState('vector')).toEqual(Float32Array.of(1, 7, 8, 4));
    expect((await session.run({}))['doubled']).toEqual(float32([14, 16], [2, 1]));
    expect(session.readState('part')).toEqual(Float32Array.of(8, 9));
    session.writeState('part', Float32Array.of(0, 5));
    expect((await session.run({}))['doubled']!.data).toEqual(Float32Array.of(0, 10));
    expect(session.readState('vector')).toEqual(Float32Array.of(3, 1, 6, 6));
    await session.dispose();
  });

  it.each([
    ['beyond the whole', { input: 'vector', offset: 3 }, {}],
    ['of a state that is not there', { input: 'other', offset: 0 }, {}],
    ['with an output of its own', { input: 'vector', offset: 0 }, { output: 'doubled' }],
  ])('refuses a part %s', async (_, inside, more) => {
    const state = [
      { input: 'vector', output: 'vector.next', initial: float32([1, 2, 3, 4]) },
      { input: 'part', inside, initial: float32([7, 8], [2, 1]), ...more },
    ];
    await expect(runtime.createSession(partOfVector(), { state })).rejects.toThrow(
      `the state part of 2 float32 values cannot be a part of ${inside.input} from value ${inside.offset} on;`,
    );
  });

  it('finishes what was asked for before it is disposed of, and refuses more', async () => {
    const session = await runtime.createSession(product());
    const a = float32([3]);
    const runs = [session.run({ a, b: float32([2]) }), session.run({ a, b: float32([4]) })];
    await Promise.all([session.dispose(), session.dispose()]);
    expect((await Promise.all(runs)).map(({ y }) => y!.data[0])).toEqual([6, 12]);
    await expect(session.run({ a, b: a })).rejects.toThrow('run: this session was disposed; create a new one.');
    expect(() => session.readState('a')).toThrow('readState: this session was disposed');
  });
});

describe('numbers too small for a normal float', () => {
  it('are the same on both threads, and JavaScript keeps its own', async () => {
    const feeds = { a: float32([1e-30]), b: float32([1e-10]) };
    for (const thread of ['inline', 'worker'] as const) {
      const runtime = await createRuntime({ thread });
      const session = await runtime.createSession(product());
      expect((await session.run(feeds))['y']!.data).toEqual(Float32Array.of(1e-40));
      await runtime.dispose();
    }
    const [smallest] = Float64Array.of(Number.MIN_VALUE);
    expect(smallest! * 1).toBe(Number.MIN_VALUE);
  });
});

describe('the runtime', () => {
  it.each([0, -1, 1.5, Number.NaN])('refuses %s threads', async (threads) => {
    await expect(createRuntime({ threads })).rejects.toThrow(`threads: ${threads} arrived; give a whole number from 1`);
  });

  it('runs with every setting', async () => {
    for (const spinning of ['run', 'always', 'never'] as const) {
      for (const optimization of ['disabled', 'basic', 'extended', 'all'] as const) {
        const runtime = await createRuntime({ spinning, optimization, threads: 1 });
        const session = await runtime.createSession(product(), {
          threads: 2,
          sessionOptions: { enableMemPattern: false },
        });
        expect((await session.run({ a: float32([3]), b: float32([5]) }))['y']!.data).toEqual(Float32Array.of(15));
        await runtime.dispose();
      }
    }
  });

  it('disposes of its sessions, once, and refuses more', async () => {
    const runtime = await createRuntime();
    const session = await runtime.createSession(product());
    const run = session.run({ a: float32([3]), b: float32([5]) });
    await Promise.all([runtime.dispose(), runtime.dispose()]);
    expect((await run)['y']!.data).toEqual(Float32Array.of(15));
    await expect(session.run({ a: float32([3]), b: float32([5]) })).rejects.toThrow('this session was disposed');
    await expect(runtime.createSession(product())).rejects.toThrow('createSession: this runtime was disposed');
  });

  it('offers runs without waiting on the calling thread only', async () => {
    const runtime = await createRuntime();
    const session = await runtime.createSession(product());
    expect(session.runSync).toBeUndefined();
    await runtime.dispose();
  });
});

describe('the event loop', () => {
  it('goes on during a run in the worker', async () => {
    const size = 256;
    const runtime = await createRuntime();
    const state = [
      { input: 'weights', initial: float32(Array.from({ length: size * size }, () => 1 / size), [size, size]) }, // prettier-ignore
      { input: 'count', output: 'count.next', initial: float32([0], []) },
    ];
    const session = await runtime.createSession(slowChain(size, 400), { state });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const { mean } = await session.run({});
    clearInterval(timer);
    // The run takes hundreds of milliseconds; had it blocked the event loop, no timer would have fired before its end.
    expect(ticks).toBeGreaterThan(2);
    expect(mean!.data[0]).toBeCloseTo(1 / size, 4);
    await runtime.dispose();
  });
});
