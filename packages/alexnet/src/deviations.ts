/** Where this reproduction differs from the paper, printed in every report. */
export const deviations = [
  {
    topic: 'data',
    paper: 'ImageNet, 1.2 million images, 90 epochs, five to six days on two GPUs',
    ours: 'CIFAR-10; the paper’s networks are defined, counted and checked against torchvision',
    why: 'ImageNet may not be passed on, and does not fit a laptop',
  },
  {
    topic: 'network',
    paper: 'figure 1 and section 3.3: “a four-layer CNN” on CIFAR-10, not described further',
    ours: 'the companion net of cuda-convnet, the authors’ own program: three convolutions and a dense layer',
    why: 'the only four-layer net for CIFAR-10 that its authors documented',
  },
  {
    topic: 'local response normalisation',
    paper: 'across channels, n = 5, α = 1e-4, k = 2 (ImageNet nets here: the same)',
    ours: 'companion net: across channels, n = 3, α = 5e-5 / n, k = 1',
    why: 'the numbers of its layer files, which normalise within each channel; the paper’s kind is across channels',
  },
  {
    topic: 'schedule',
    paper: 'divided by 10 by hand when the error stopped falling',
    ours: 'warm-up and half a cosine (preset laptop)',
    why: 'needs no hand, and fewer epochs',
  },
  {
    topic: 'figure 1',
    paper: 'all of CIFAR-10; every net’s own learning rate, “as fast as possible”',
    ours: '5,000 images; the best of three rates for each activation',
    why: 'six trainings in minutes',
  },
  {
    topic: 'input',
    paper: 'the mean of each pixel is subtracted',
    ours: 'the mean of each channel',
    why: 'the weights then go with any image; nothing else changes',
  },
] as const;
