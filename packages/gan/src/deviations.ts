/** Where this reproduction differs from the paper and its published code, printed in every report. */
export const deviations = [
  {
    topic: 'length of training',
    paper: 'not stated; the published code has no end',
    ours: 'the steps of the preset; the weights at its end are scored, not the best',
    why: 'two hours on two cores',
  },
  {
    topic: 'images behind the figure',
    paper: '225 ± 2 nats is of the authors’ best network; the search for it is not published',
    ours: 'the published configuration, one run',
    why: 'nothing to search by without looking at the test images',
  },
  {
    topic: 'average of weights',
    paper: 'none',
    ours: 'laptop: a moving average of the generator’s weights is scored beside the last weights, and saved',
    why: 'weights move around their mean at a constant rate; the game does not depend on the average',
  },
  {
    topic: 'discriminator loss',
    paper: 'the published code descends on half the sum of two cross-entropies',
    ours: 'the same; the reported number is the whole sum, whose equilibrium is ln 4',
    why: 'theorem 1 speaks of the sum',
  },
  {
    topic: 'random numbers',
    paper: 'generators with hidden state',
    ours: 'counters under a seed',
    why: 'a stopped run continues bit for bit',
  },
  {
    topic: 'network of figure 1',
    paper: 'a sketch, no configuration',
    ours: 'two dense nets of two hidden layers, Adam, the rate falling to 0',
    why: 'the figure’s end, D = ½, is the claim',
  },
  {
    topic: 'DCGAN',
    paper: '64×64 colour images of bedrooms and faces (Radford et al. 2015)',
    ours: '28×28 digits in a black margin to 32, fewer channels; the full nets are defined and counted',
    why: 'minutes on two cores',
  },
] as const;
