/** ONNX Runtime cannot be used on this machine; another engine can. */
export class RuntimeUnavailableError extends Error {
  /** What is missing. */
  readonly reason: string;
  /** What to do about it. */
  readonly remedy: string;

  constructor(where: string, reason: string, remedy: string) {
    super(`${where}: ${reason} ${remedy}`);
    this.name = 'RuntimeUnavailableError';
    this.reason = reason;
    this.remedy = remedy;
  }
}

/** The worker ended while it was needed. Create a new runtime and continue from the last checkpoint. */
export class RuntimeLostError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RuntimeLostError';
  }
}

/** ONNX Runtime's message about a model or a run, with what to do about it. */
export function explainFailure(where: string, message: string): Error {
  const said = firstLines(message);
  const unknown = /No Op registered for (\S+) with domain_version of (\d+)/.exec(message);
  if (unknown !== null) {
    return new Error(
      `${where}: ONNX Runtime has no operation ${unknown[1]} (version ${unknown[2]} of its domain); ` +
        'build the graph from operations that it has.',
    );
  }
  const unimplemented = /Could not find an implementation for ([\w.]+)\(\d+\)/.exec(message);
  if (unimplemented !== null) {
    return new Error(
      `${where}: ONNX Runtime does not compute the operation ${unimplemented[1]} for the types that arrive; ` +
        `convert them before it, or build the graph from other operations. It said: ${said}`,
    );
  }
  if (
    /Failed to allocate memory|bad_alloc|bad allocation|Array buffer allocation failed|not enough memory/i.test(message)
  ) {
    const bytes = /requested buffer of size (\d+)/.exec(message)?.[1];
    const amount = bytes === undefined ? '' : ` (${(Number(bytes) / 2 ** 20).toFixed(0)} MiB at once)`;
    return new Error(`${where}: out of memory${amount}; make the batch or the model smaller. It said: ${said}`);
  }
  if (/protobuf parsing failed|Model data pointer is null/.test(message)) {
    return new Error(`${where}: the bytes are not an ONNX model; give the bytes that emitModel returned.`);
  }
  return new Error(`${where}: ONNX Runtime refused: ${said}`);
}

/** Without the place in ONNX Runtime's sources and the signature of the function there. */
function firstLines(message: string): string {
  const text = message.replace(/\s*\/\S*onnxruntime\/\S+:\d+ /g, ' ').trim();
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
