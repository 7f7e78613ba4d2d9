/** Where this reproduction differs from the paper, printed in every report. */
export const deviations = [
  {
    topic: 'tokens',
    paper: 'byte-level byte-pair encoding, 50,257 tokens',
    ours: 'characters of the corpus (65 for tiny Shakespeare)',
    why: 'a corpus of one megabyte has too few words for a subword vocabulary; published small runs use characters',
  },
  {
    topic: 'data',
    paper: 'WebText, 40 GB',
    ours: 'tiny Shakespeare, 1.1 MB, or generated text',
    why: 'trains on a laptop; WebText was never published',
  },
  {
    topic: 'size',
    paper: '124M to 1.5B weights, context 1024',
    ours: '0.2M to 10.7M weights, context 32 to 256; the sizes of the paper are defined and counted',
    why: 'the claim under test is the training recipe, at sizes with published results',
  },
  {
    topic: 'optimizer',
    paper: 'not stated for GPT-2; Adam with cosine decay in GPT',
    ours: 'AdamW, constant rate (laptop) or warm-up and cosine (nanoGPT presets)',
    why: 'the published small runs use it, and their losses are the targets',
  },
] as const;
