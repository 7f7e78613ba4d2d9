export type { GraphDtype, Value } from './graph/value.ts';
