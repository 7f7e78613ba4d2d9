/** Where this reproduction differs from the paper, printed in every report. */
export const deviations = [
  {
    topic: 'data',
    paper: 'WMT 2014, 4.5 million pairs (English–German) and 36 million (English–French)',
    ours: 'Multi30k, 29,000 pairs of captions, or generated text; your own files with data.set=files',
    why: 'trains on a laptop; others published perplexities and BLEU for the same small task',
  },
  {
    topic: 'size',
    paper: 'base: 65M weights, big: 213M',
    ours: 'laptop: 9.0M (3 + 3 layers of 256), tiny: 2.6M (4 + 4 of 128); base and big are defined and counted',
    why: '29,000 captions need no more',
  },
  {
    topic: 'tokens',
    paper: '37,000 byte pairs of both languages',
    ours: 'laptop: words in lower case that occur twice or more; tiny: 10,000 byte pairs',
    why: 'the published numbers for Multi30k are per word',
  },
  {
    topic: 'laptop preset',
    paper: 'sine waves, one shared embedding, warm-up, label smoothing 0.1',
    ours: 'learned positions, three tables, a constant rate of 5e-4, no smoothing (preset laptop-smoothing has it)',
    why: 'the published net that it stands beside is so',
  },
  {
    topic: 'averaging',
    paper: 'the mean of the last 5 checkpoints (big: 20)',
    ours: 'the mean of the last 5 epochs (tiny: 10), tested beside the last weights',
    why: 'checkpoints of a run of minutes would be a few steps apart',
  },
] as const;
