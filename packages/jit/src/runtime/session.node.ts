/** A session's main-thread side: what it is fed and returns, its state, and the order of its runs. */
import { sizeOf, type GraphArray } from '../graph/value.ts';
import type { Carrier, RunOutcome } from './carrier.node.ts';
import { checkFeeds, checkState, checkTensor } from './checks.node.ts';
import { explainFailure } from './errors.ts';
import type { FreeResult, ModelDescription, Place, RunPlaces, StateBuffers, StatePlace } from './host.node.ts';
import { arrayOf, byteLength, placesOf, stateByteLengths } from './places.node.ts';
import type { Feed, GraphSession, HostTensor, StateSlot, TensorDescription } from './runtime.ts';

interface PendingRun {
  readonly feeds: ArrayBuffer;
  readonly places: RunPlaces;
  resolve(results: Record<string, HostTensor>): void;
  reject(error: unknown): void;
}

/** See {@link GraphSession}. */
export class Session implements GraphSession {
  readonly feeds: readonly TensorDescription[];
  readonly results: readonly TensorDescription[];
  readonly #id: number;
  readonly #carrier: Carrier;
  readonly #state: ReadonlyMap<string, StatePlace>;
  readonly #byteLengths: { fixed: number; moving: number };
  /** Places that hold for every run, where the model fixes all shapes. */
  readonly #fixedPlaces: RunPlaces | undefined;
  /** The state, before the first run and since it was taken from the host; the next run gives it back. */
  #buffers: StateBuffers | undefined;
  /** A feed buffer that came back. */
  #spareFeeds: ArrayBuffer | undefined;
  readonly #queue: PendingRun[] = [];
  #running: PendingRun | undefined;
  #sentPlaces: RunPlaces | undefined;
  #lost: Error | undefined;
  #disposal: Promise<void> | undefined;
  readonly #idle: (() => void)[] = [];
  /** Settles when the session has been disposed of. */
  readonly disposed: Promise<void>;
  #markDisposed!: () => void;
  readonly runSync?: (feeds: Readonly<Record<string, Feed>>) => Record<string, HostTensor>;

  constructor(
    id: number,
    carrier: Carrier,
    description: ModelDescription,
    slots: readonly StateSlot[],
    places: readonly StatePlace[],
    synchronous: boolean,
  ) {
    this.#id = id;
    this.#carrier = carrier;
    this.disposed = new Promise((resolve) => (this.#markDisposed = resolve));
    if (synchronous) this.runSync = (given) => this.#runSync(given);
    checkState(description, slots);
    const inputs = new Set(slots.map(({ input }) => input));
    const outputs = new Set(slots.map(({ output }) => output));
    this.feeds = description.inputs.filter(({ name }) => !inputs.has(name));
    this.results = description.outputs.filter(({ name }) => !outputs.has(name));
    this.#state = new Map(places.map((place) => [place.input, place]));
    this.#byteLengths = stateByteLengths(places);
    const { fixed, moving } = this.#byteLengths;
    const [current, next] = [new ArrayBuffer(moving), new ArrayBuffer(moving)];
    this.#buffers = { fixed: new ArrayBuffer(fixed), current, next };
    // Parts come last: their values are the more particular ones.
    for (const isPart of [false, true]) {
      for (const { input, initial, inside } of slots) {
        if ((inside !== undefined) === isPart) this.#view(input).set(initial.data as never);
      }
    }
    const feedPlaces = placesOf(this.feeds);
    const resultPlaces = placesOf(this.results);
    if (feedPlaces !== undefined && resultPlaces !== undefined) {
      this.#fixedPlaces = { feeds: feedPlaces, results: resultPlaces };
    }
  }

  run(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, HostTensor>> {
    const outcome = new Promise<Record<string, HostTensor>>((resolve, reject) => {
      this.#checkUsable('run');
      const pending = { ...this.#pack(feeds), resolve, reject };
      if (this.#running === undefined) this.#start(pending);
      else this.#queue.push(pending);
    });
    return this.runSync === undefined ? outcome : giveWay(outcome);
  }

  #runSync(feeds: Readonly<Record<string, Feed>>): Record<string, HostTensor> {
    this.#checkUsable('runSync');
    let results: Record<string, HostTensor> | undefined;
    let failure: unknown;
    this.#start({
      ...this.#pack(feeds),
      resolve: (value) => (results = value),
      reject: (error) => (failure = error),
    });
    if (results === undefined) throw failure;
    return results;
  }

  readState(input: string, into?: GraphArray): GraphArray {
    this.#settle('readState');
    const view = this.#view(input);
    if (into === undefined) return view.slice() as GraphArray;
    into.set(view as never);
    return into;
  }

  writeState(input: string, value: GraphArray | ((place: GraphArray) => void)): void {
    this.#settle('writeState');
    if (typeof value === 'function') {
      value(this.#view(input));
    } else {
      const { dtype, shape } = this.#place(input);
      checkTensor('writeState', input, dtype, shape, { dtype, shape, data: value });
      this.#view(input).set(value as never);
    }
    this.#buffers!.written?.push(input);
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#end();
    return this.#disposal;
  }

  async #end(): Promise<void> {
    if (this.#running !== undefined) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#buffers = undefined;
    this.#spareFeeds = undefined;
    try {
      if (this.#carrier.failure === undefined) await this.#carrier.dispose(this.#id);
    } catch (error) {
      // A worker that ends meanwhile has freed everything.
      if (this.#carrier.failure === undefined) throw error;
    } finally {
      this.#markDisposed();
    }
  }

  #checkUsable(where: string): void {
    if (this.#disposal !== undefined) throw new Error(`${where}: this session was disposed; create a new one.`);
    const failure = this.#carrier.failure;
    if (failure !== undefined) throw failure;
  }

  /** Waits until no run holds the state, and takes it. */
  #settle(where: string): void {
    if (this.#disposal !== undefined)
      throw new Error(`${where}: this session was disposed; read its state before that.`);
    while (this.#running !== undefined) this.#carrier.wait();
    if (this.#lost !== undefined) throw this.#lost;
    this.#buffers ??= this.#carrier.takeState(this.#id);
  }

  #place(input: string): StatePlace {
    const place = this.#state.get(input);
    if (place !== undefined) return place;
    const known = [...this.#state.keys()];
    throw new Error(
      `session: no state is named ${input}; this session has ${known.length === 0 ? 'none' : known.join(', ')}.`,
    );
  }

  #view(input: string): GraphArray {
    const { moves, dtype, shape, offset } = this.#place(input);
    const { fixed, current } = this.#buffers!;
    return new arrayOf[dtype](moves ? current : fixed, offset, sizeOf(shape));
  }

  /** Checks the feeds and copies them next to each other. */
  #pack(feeds: Readonly<Record<string, Feed>>): { feeds: ArrayBuffer; places: RunPlaces } {
    checkFeeds(this.feeds, feeds, this.#state);
    const places = this.#fixedPlaces ?? {
      feeds: placesOf(this.feeds.map(({ name, dtype }) => ({ name, dtype, shape: feeds[name]!.shape })))!,
      results: this.results.map(({ name }) => name),
    };
    const length = byteLength(places.feeds);
    let buffer = this.#spareFeeds;
    this.#spareFeeds = undefined;
    if (buffer?.byteLength !== length) buffer = new ArrayBuffer(length);
    for (const { name, dtype, shape, offset } of places.feeds) {
      const [feed, array] = [feeds[name]!, new arrayOf[dtype](buffer, offset, sizeOf(shape))];
      if ('fill' in feed) feed.fill(array);
      else array.set(feed.data as never);
    }
    return { feeds: buffer, places };
  }

  #start(pending: PendingRun): void {
    const { feeds, places } = pending;
    const results = this.#fixedPlaces && new ArrayBuffer(byteLength(this.#fixedPlaces.results as readonly Place[]));
    const state = this.#buffers;
    this.#running = pending;
    this.#buffers = undefined;
    const news = places === this.#sentPlaces ? undefined : places;
    this.#sentPlaces = places;
    this.#carrier.run(this.#id, { feeds, results }, news, state, (outcome) => this.#finish(outcome));
  }

  #finish(outcome: RunOutcome): void {
    const { resolve, reject } = this.#running!;
    this.#running = undefined;
    if ('lost' in outcome) {
      this.#lost = outcome.lost;
      reject(outcome.lost);
      for (const waiting of this.#queue.splice(0)) waiting.reject(outcome.lost);
    } else {
      const { feeds, results } = outcome.buffers;
      this.#spareFeeds = feeds;
      if ('message' in outcome) reject(explainFailure('run', outcome.message));
      else resolve(results === undefined ? fromFree(outcome.free) : this.#fromPlaces(results));
      const following = this.#queue.shift();
      if (following !== undefined && this.#carrier.failure === undefined) {
        this.#start(following);
        return;
      }
      following?.reject(this.#carrier.failure);
      for (const waiting of this.#queue.splice(0)) waiting.reject(this.#carrier.failure);
    }
    for (const resolveIdle of this.#idle.splice(0)) resolveIdle();
  }

  #fromPlaces(buffer: ArrayBuffer): Record<string, HostTensor> {
    const results: Record<string, HostTensor> = {};
    for (const { name, dtype, shape, offset } of this.#fixedPlaces!.results as readonly Place[]) {
      results[name] = { dtype, shape, data: new arrayOf[dtype](buffer, offset, sizeOf(shape)) };
    }
    return results;
  }
}

/** How long runs on the calling thread may follow each other before timers and sockets get their turn. */
const LONGEST_STALL_MILLISECONDS = 5;
let lastTurn = 0;

/** A loop that waits only for such runs would never come back to the event loop: promises alone do not lead there. */
async function giveWay<Result>(outcome: Promise<Result>): Promise<Result> {
  const result = await outcome;
  if (performance.now() - lastTurn > LONGEST_STALL_MILLISECONDS) {
    await new Promise((resolve) => setImmediate(resolve));
    lastTurn = performance.now();
  }
  return result;
}

function fromFree(free: readonly FreeResult[]): Record<string, HostTensor> {
  const results: Record<string, HostTensor> = {};
  for (const { name, dtype, shape, data } of free) results[name] = { dtype, shape, data: data as GraphArray };
  return results;
}
