export { gruSequence, type GruCall, type GruWeights } from './gru-sequence.ts';
export { lstmSequence, type LstmCall, type LstmState, type LstmWeights } from './lstm-sequence.ts';
