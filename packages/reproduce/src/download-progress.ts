import { basename } from 'node:path';
import type { Command } from './command/parse-command.ts';
import { Progress, type ProgressStream } from './progress.ts';

/** What a data-set loader takes: where its cache is, whether it may download, and whom to tell. */
export interface LoaderOptions {
  data?: string;
  offline?: boolean;
  onProgress: (progress: { path: string; bytes: number; total: number }) => void;
  onNotice: (notice: string) => void;
}

/** `--data`, `--offline` and a progress bar for downloads, as options of the loaders of `@milestones/datasets/node`. */
export function loaderOptions(
  command: Pick<Command<unknown>, 'data' | 'offline' | 'progressBar'>,
  stream: ProgressStream = process.stderr,
): LoaderOptions {
  const bars = new Map<string, Progress>();
  return {
    ...(command.data !== undefined && { data: command.data }),
    // Left out where the flag was not given, so that MILESTONES_OFFLINE still counts.
    ...(command.offline && { offline: true }),
    onNotice: (notice) => void stream.write(`${notice}\n`),
    onProgress: ({ path, bytes, total }) => {
      let bar = bars.get(path);
      if (bar === undefined) {
        bar = new Progress({
          total,
          start: bytes,
          label: `download ${basename(path)}, byte`,
          bar: command.progressBar,
          stream,
        });
        bars.set(path, bar);
      }
      bar.update(bytes);
      if (bytes >= total) bar.finish();
    },
  };
}
