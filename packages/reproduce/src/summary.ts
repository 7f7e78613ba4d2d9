import type { TargetResult } from './targets.ts';

/** Content of summary.json, the same for every milestone. */
export interface Summary {
  milestone: string;
  preset: string;
  seed: number;
  engine: string;
  /** Trainable weights. */
  parameters: number;
  /** Training steps done in the whole run. */
  steps: number;
  /** Minutes of work, those before interruptions included. */
  minutes: number;
  /** The command that repeats the run. */
  command: string;
  /** Commit hash, with `-dirty` appended where tracked files differed from it; null outside a repository. */
  commit: string | null;
  metrics: Record<string, number>;
  targets: TargetResult[];
}
