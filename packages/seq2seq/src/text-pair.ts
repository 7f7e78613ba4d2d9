export interface TextPair {}
