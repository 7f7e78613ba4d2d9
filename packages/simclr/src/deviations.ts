/** Where this reproduction differs from the paper and its published code, printed in every report. */
export const deviations = [
  {
    topic: 'data and encoder',
    paper: 'ImageNet, ResNet-50 and wider; appendix B.9: CIFAR-10, ResNet-50',
    ours: 'the preset laptop: CIFAR-10, five convolutions; the paper’s encoders are defined and counted',
    why: 'ResNet-18 on CIFAR-10 takes about 330 TFLOP per epoch of two views',
  },
  {
    topic: 'batch and length',
    paper: '256 to 8,192 images, up to 1,000 epochs',
    ours: 'the preset laptop: 128 images, a few epochs',
    why: 'minutes on one core',
  },
  {
    topic: 'optimizer',
    paper: 'LARS, the rate scaled with the batch',
    ours: 'LARS by default; Adam in the presets quick and laptop',
    why: 'LARS is made for large batches; small published runs use Adam or SGD',
  },
  {
    topic: 'brightness',
    paper: 'additive in the first version of the published code, multiplicative in the second',
    ours: 'multiplicative, in a random order with contrast, saturation and hue',
    why: 'the second version has the published weights',
  },
  {
    topic: 'linear evaluation',
    paper: 'trained on crops and mirror images of the training images',
    ours: 'trained on the unchanged images, whose representations are computed once',
    why: 'a probe takes seconds; all that is compared is probed alike',
  },
  {
    topic: 'augmentations compared',
    paper: 'figure 5: one branch changed, the other not; no mirror images',
    ours: 'both views changed; mirror images in all three',
    why: 'the policy of the paper’s final method with parts left out',
  },
  {
    topic: 'shrinking by cubic interpolation',
    paper: 'cubic on the nearest pixels',
    ours: 'the cubic is widened where a piece shrinks, as in Pillow',
    why: 'no aliasing; for 32×32 images pieces only grow',
  },
] as const;
