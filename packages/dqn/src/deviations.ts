/** Where this reproduction differs from the papers, printed in every report. */
export const deviations = [
  {
    topic: 'games',
    paper: 'seven (2013) and 49 (2015) Atari games, 10 and 50 million frames each',
    ours: 'CartPole and games on a grid of 10 × 10; Atari by a process of Gymnasium, where one is installed',
    why: 'the same agent learns them on a laptop; the games of Atari may not be passed on',
  },
  {
    topic: 'network on grids',
    paper: 'two or three convolutions over 84 × 84 pixels',
    ours: 'one 3 × 3 convolution and a dense layer over 10 × 10 cells (Young and Tian 2019)',
    why: 'a grid needs no finding of objects; the published runs that we compare with have this network',
  },
  {
    topic: 'loss',
    paper: 'the sum over a batch (2015, the authors’ program)',
    ours: 'the mean over a batch',
    why: 'as published re-implementations have it; RMSProp undoes a constant factor, but for its ε',
  },
  {
    topic: 'RMSProp',
    paper: 'centred, ε = 0.01 inside the root (2015); not stated in 2013',
    ours: 'the same by default; the preset laptop has ε outside the root, CartPole has Adam',
    why: 'as the published runs that they are compared with',
  },
  {
    topic: 'evaluation',
    paper: 'ε = 0.05, the best of the evaluations (2015)',
    ours: 'the last evaluation, over 100 episodes; the preset laptop with ε = 0 and sticky actions, CartPole also by its training return',
    why: 'choosing the best of many noisy numbers overstates them',
  },
  {
    topic: 'preprocessing',
    paper: 'luminance of the maximum over two frames, taken per colour; bilinear shrinking',
    ours: 'the same maximum and luminance; shrinking by the mean of the covered area',
    why: 'thin lines such as balls do not vanish between two samples',
  },
  {
    topic: 'replay memory',
    paper: 'one million frames, 7 GB',
    ours: '100,000 by default',
    why: 'fits any machine; agent.replayCapacity is a setting',
  },
] as const;
