/**
 * The side that calls ONNX Runtime's WebGPU provider. State lives on the device: it is copied there before the first run,
 * each run's new values are the next run's inputs, and it comes back only when it is taken. Like the other host, this one
 * travels to the worker as source text and uses nothing from outside itself.
 *
 * Facts of onnxruntime-node 1.30 that the code rests on:
 * - An output named in `preferredOutputLocation` is returned as a tensor that stays on the device. Any session takes it as
 *   a feed. Its own `getData` ends the process; an Identity model with its output in memory reads it.
 * - The provider writes new state beside the old one, so a run that fails leaves the old one whole.
 */
import type { GraphDtype } from '../graph/value.ts';
import type { BindingModule, Host, NativeTensor, Place, StateBuffers, StatePlace } from './host.node.ts';

/** The provider takes a list of names up to a length. */
const LONGEST_LIST = 8000;

/** Session options of the WebGPU provider. */
export function deviceOptions(hostNodes: readonly string[]): object {
  let length = 0;
  // What does not fit runs on the GPU: right, but slower.
  const listed = hostNodes.filter((name) => (length += name.length + 1) <= LONGEST_LIST);
  return { executionProviders: [{ name: 'webgpu', ...(listed.length > 0 && { forceCpuNodeNames: listed }) }] };
}

/** @throws Error where ONNX Runtime finds no WebGPU adapter */
export function createDeviceHost(onnxruntime: BindingModule): Host {
  const { binding } = onnxruntime;
  type NativeSession = InstanceType<typeof binding.InferenceSession>;
  interface DeviceTensor {
    readonly location: 'gpu-buffer';
    dispose(): void;
  }
  interface DeviceSession {
    readonly native: NativeSession;
    readonly state: readonly StatePlace[];
    readonly inputs: ReadonlySet<string>;
    readonly fetches: Record<string, null>;
    readonly profiling: boolean;
    feeds: readonly Place[];
    results: readonly (Place | string)[];
    readonly held: Map<string, DeviceTensor>;
  }
  const arrays = {
    float32: Float32Array,
    float64: Float64Array,
    int32: Int32Array,
    int64: BigInt64Array,
    uint32: Uint32Array,
    uint8: Uint8Array,
    bool: Uint8Array,
  } as const;
  // ONNX's numbers of the element types.
  const types = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float64: 11, uint32: 12 } as const;
  const dtypes = Object.fromEntries(Object.entries(types).map(([dtype, number]) => [number, dtype]));
  const sessions = new Map<number, DeviceSession>();

  /** A model in ONNX's format: `y` is a copy of `x`, of any shape. */
  const identityModel = (dtype: GraphDtype): Uint8Array => {
    const text = (string: string): number[] => [...string].map((character) => character.charCodeAt(0));
    const field = (number: number, content: number[]): number[] => [number * 8 + 2, content.length, ...content];
    const integer = (number: number, value: number): number[] => [number * 8, value];
    const value = (name: string): number[] => [
      ...field(1, text(name)),
      ...field(2, field(1, integer(1, types[dtype]))),
    ];
    const node = [...field(1, text('x')), ...field(2, text('y')), ...field(4, text('Identity'))];
    const graph = [...field(1, node), ...field(2, text('copy')), ...field(11, value('x')), ...field(12, value('y'))];
    return Uint8Array.from([...integer(1, 9), ...field(7, graph), ...field(8, integer(2, 20))]);
  };
  const copiers = new Map<string, NativeSession>();
  const copier = (dtype: GraphDtype, toDevice: boolean): NativeSession => {
    const key = `${dtype} ${toDevice}`;
    let session = copiers.get(key);
    if (session === undefined) {
      session = new binding.InferenceSession();
      const model = identityModel(dtype);
      session.loadModel(model.buffer, model.byteOffset, model.byteLength, {
        executionProviders: ['webgpu'],
        logSeverityLevel: 4,
        ...(toDevice && { preferredOutputLocation: { y: 'gpu-buffer' } }),
      });
      copiers.set(key, session);
    }
    return session;
  };

  const lookInto = (buffer: ArrayBuffer, { dtype, shape, offset }: Omit<Place, 'name'>): NativeTensor => {
    const length = shape.reduce((product, size) => product * size, 1);
    return { type: dtype, dims: shape, location: 'cpu', data: new arrays[dtype](buffer, offset, length) };
  };
  const read = (tensor: DeviceTensor, dtype: GraphDtype): ArrayBufferView =>
    copier(dtype, false).run({ x: tensor }, { y: null }, {})['y']!.data;

  /** Brings states to the device: all of them, or those that were written meanwhile. */
  const bring = (session: DeviceSession, buffers: StateBuffers): void => {
    for (const place of session.state) {
      const { input, dtype, moves } = place;
      if (buffers.written !== undefined && !buffers.written.includes(input)) continue;
      const given = lookInto(moves ? buffers.current : buffers.fixed, place);
      const { y } = copier(dtype, true).run({ x: given }, { y: null }, {});
      session.held.get(input)?.dispose();
      session.held.set(input, y as unknown as DeviceTensor);
    }
  };

  const describe = ({ name, type, shape, symbolicDimensions }: NativeSession['inputMetadata'][number]) => {
    const dtype = dtypes[type] as GraphDtype | undefined;
    if (dtype === undefined) throw new Error(`${name} has ONNX's element type ${type}, which no tensor here can hold.`);
    const named = shape.map((size, axis) => (size >= 0 ? size : symbolicDimensions[axis] || `axis ${axis}`));
    return { name, dtype, shape: named };
  };

  onnxruntime.initOrt();
  // Fails where there is no adapter: better now than when a model is ready.
  copier('float32', false);

  return {
    create(id, model, options, state) {
      const native = new binding.InferenceSession();
      const onDevice = state.flatMap(({ output }) => (output === undefined ? [] : [[output, 'gpu-buffer'] as const]));
      native.loadModel(model.buffer, model.byteOffset, model.byteLength, {
        ...options,
        preferredOutputLocation: Object.fromEntries(onDevice),
      });
      const inputs = native.inputMetadata.map(describe);
      const outputs = native.outputMetadata.map(describe);
      sessions.set(id, {
        native,
        state,
        inputs: new Set(inputs.map(({ name }) => name)),
        fetches: Object.fromEntries(outputs.map(({ name }) => [name, null])),
        profiling: (options as { enableProfiling?: boolean }).enableProfiling === true,
        feeds: [],
        results: [],
        held: new Map(),
      });
      return { inputs, outputs };
    },

    run(id, buffers, places, state) {
      const session = sessions.get(id)!;
      if (places !== undefined) Object.assign(session, places);
      if (state !== undefined) bring(session, state);
      const feeds: Record<string, object> = {};
      for (const place of session.feeds) feeds[place.name] = lookInto(buffers.feeds, place);
      for (const [input, tensor] of session.held) if (session.inputs.has(input)) feeds[input] = tensor;
      const computed = session.native.run(feeds, session.fetches, {});
      for (const { input, output } of session.state) {
        if (output === undefined) continue;
        session.held.get(input)!.dispose();
        session.held.set(input, computed[output] as unknown as DeviceTensor);
      }
      return session.results.flatMap((result) => {
        if (typeof result === 'string') {
          const { type, dims, data } = computed[result]!;
          return [{ name: result, dtype: type as GraphDtype, shape: dims, data }];
        }
        const target = lookInto(buffers.results!, result).data;
        (target as Float32Array).set(computed[result.name]!.data as Float32Array);
        return [];
      });
    },

    takeState(id) {
      const { state, held } = sessions.get(id)!;
      const lengths = { fixed: 0, current: 0 };
      const bytes = ({ dtype, shape, offset }: StatePlace): number =>
        offset + shape.reduce((product, size) => product * size, arrays[dtype].BYTES_PER_ELEMENT);
      for (const place of state) {
        const kind = place.moves ? 'current' : 'fixed';
        lengths[kind] = Math.max(lengths[kind], bytes(place));
      }
      const taken = { fixed: new ArrayBuffer(lengths.fixed), current: new ArrayBuffer(lengths.current) };
      for (const place of state) {
        const values = read(held.get(place.input)!, place.dtype);
        (lookInto(place.moves ? taken.current : taken.fixed, place).data as Float32Array).set(values as Float32Array);
      }
      return { ...taken, next: new ArrayBuffer(0), written: [] };
    },

    runDirectly(id, feeds) {
      const { native, fetches } = sessions.get(id)!;
      return native.run(feeds, fetches, {});
    },

    dispose(id) {
      const session = sessions.get(id);
      sessions.delete(id);
      for (const tensor of session?.held.values() ?? []) tensor.dispose();
      if (session?.profiling) (session.native as unknown as { endProfiling(): void }).endProfiling();
      session?.native.dispose();
    },
  };
}
