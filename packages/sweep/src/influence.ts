import type { Space, Trial, Goal } from '@milestones/core/search';
export interface Influence { name: string; share: number }
export function influences(_history: readonly Trial[], _space: Space, _goal: Goal): Influence[] { return []; }
