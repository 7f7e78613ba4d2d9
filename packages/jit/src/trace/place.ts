/** Where in the user's code something happened, for messages of errors that tracing raises. */

/** Folder of this package's modules; in a bundle it is the bundle's own address, and then no frame is ours alone. */
const OWN_FOLDER = import.meta.url.replace(/[^/]*\/[^/]*$/, '').replace(/^file:\/\//, '');

/** Frames of the libraries between the user's code and us. */
const LIBRARY_FRAME =
  /@tensorflow|[\\/]tfjs|@milestones[\\/](jit|backend)|packages[\\/]backend[\\/](src|dist)|node:|<anonymous>/;

/** tfjs puts about five frames between two operations; gradients nest them. */
const FRAMES = 80;

/** Runs `action` with stacks long enough to reach the user's code. */
export function withLongStacks<Result>(action: () => Result): Result {
  const errors = Error as { stackTraceLimit?: number };
  const before = errors.stackTraceLimit;
  errors.stackTraceLimit = FRAMES;
  try {
    return action();
  } finally {
    if (before === undefined) delete errors.stackTraceLimit;
    else errors.stackTraceLimit = before;
  }
}

/**
 * The frame of the user's code that led to `error`, as the stack shows it: `trainStep (/home/me/train.ts:12:7)`.
 *
 * @returns undefined where no frame can be told to be the user's, as in a bundle
 */
export function placeOf(error: Error): string | undefined {
  const lines = (error.stack ?? '').split('\n');
  // V8 begins with the message, which may have several lines; other browsers write `name@address:line:column`.
  const frames = lines.filter((line) => /^\s+at |@.*:\d+:\d+$/.test(line));
  for (const frame of frames) {
    if (frame.includes(OWN_FOLDER) || LIBRARY_FRAME.test(frame)) continue;
    return frame
      .trim()
      .replace(/^at (async )?/, '')
      .replace('file://', '');
  }
  return undefined;
}
