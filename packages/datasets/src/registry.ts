/**
 * Every data set that this package knows, as data: where its files come from, how to recognise them, who made them and
 * under which terms. In the cache a file lies at `<data set>/<file name>`, with the names used here, so a user may put
 * there by hand what cannot be downloaded.
 */

/** One official file of a data set. */
export interface DataFile {
  /** The official name, below the data set's folder; folders inside it are parted by `/`. */
  readonly name: string;
  /** Where the file can be had, tried in this order; all serve the same bytes. */
  readonly urls: readonly string[];
  /** SHA-256 of the file, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Size of the file. */
  readonly bytes: number;
  /** MD5 of the file where its publisher prints one, to compare by hand; it is SHA-256 that is checked. */
  readonly md5?: string;
}

/** A file inside an archive of a data set. Its unpacked copy is used where it lies in the cache under this name. */
export interface ArchivedFile {
  /** The name in the archive, and below the data set's folder. */
  readonly name: string;
  readonly bytes: number;
  /** SHA-256 of the unpacked file; without it, the file is checked by its size and content. */
  readonly sha256?: string;
}

/** The terms under which a data set may be used. */
export interface Licence {
  /** Its customary name, for example `Public domain`. */
  readonly name: string;
  /** What the name leaves out. */
  readonly note?: string;
  readonly url?: string;
}

/** One customary part of a data set. */
export interface Split {
  /** How many examples it has. */
  readonly size: number;
  /** What is counted: `characters`, `images`, `sentence pairs`, … */
  readonly unit: string;
  /** How the part is made, where the data set's files do not say so themselves. */
  readonly rule?: string;
}

/** One entry of the {@link registry}. */
export interface DataSet {
  /** The name in the registry, and of the folder in the cache. */
  readonly name: string;
  readonly title: string;
  readonly files: readonly DataFile[];
  /** What is read from its archive, where the data set comes in one. */
  readonly archived?: readonly ArchivedFile[];
  readonly licence: Licence;
  /** Whom to cite. */
  readonly citation: string;
  readonly homepage: string;
  readonly splits: Readonly<Record<string, Split>>;
}

// The page of MNIST's authors often refuses downloads, so the two well-known copies come first.
const mnistUrls = (name: string): readonly string[] => [
  `https://ossci-datasets.s3.amazonaws.com/mnist/${name}`,
  `https://storage.googleapis.com/cvdf-datasets/mnist/${name}`,
  `http://yann.lecun.com/exdb/mnist/${name}`,
];

const fashionUrls = (name: string): readonly string[] => [
  `http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/${name}`,
  `https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/${name}`,
];

const wikiTextUrls = (name: string): readonly string[] => [
  `https://raw.githubusercontent.com/pytorch/examples/main/word_language_model/data/wikitext-2/${name}`,
];

/** All data sets, by name. */
export const registry = {
  tinyshakespeare: {
    name: 'tinyshakespeare',
    title: 'Tiny Shakespeare: 40,000 lines from Shakespeare’s plays, for character language models',
    files: [
      {
        name: 'input.txt',
        urls: ['https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt'],
        sha256: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
        bytes: 1_115_394,
      },
    ],
    licence: {
      name: 'Public domain',
      note: 'Shakespeare’s text; the repository that collected it is under the MIT licence.',
    },
    citation: 'A. Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015.',
    homepage: 'https://github.com/karpathy/char-rnn',
    splits: {
      train: { size: 1_003_854, unit: 'characters', rule: 'the first 90 percent, rounded down' },
      validation: { size: 111_540, unit: 'characters', rule: 'the rest' },
    },
  },
  mnist: {
    name: 'mnist',
    title: 'MNIST: handwritten digits, 28×28 grey',
    files: [
      {
        name: 'train-images-idx3-ubyte.gz',
        urls: mnistUrls('train-images-idx3-ubyte.gz'),
        sha256: '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
        md5: 'f68b3c2dcbeaaa9fbdd348bbdeb94873',
        bytes: 9_912_422,
      },
      {
        name: 'train-labels-idx1-ubyte.gz',
        urls: mnistUrls('train-labels-idx1-ubyte.gz'),
        sha256: '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
        md5: 'd53e105ee54ea40749a09fcbcd1e9432',
        bytes: 28_881,
      },
      {
        name: 't10k-images-idx3-ubyte.gz',
        urls: mnistUrls('t10k-images-idx3-ubyte.gz'),
        sha256: '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
        md5: '9fb629c4189551a2d022fa330f9573f3',
        bytes: 1_648_877,
      },
      {
        name: 't10k-labels-idx1-ubyte.gz',
        urls: mnistUrls('t10k-labels-idx1-ubyte.gz'),
        sha256: 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
        md5: 'ec29112dd5afa0611ce80d1b7f02629c',
        bytes: 4_542,
      },
    ],
    licence: {
      name: 'CC BY-SA 3.0',
      note: 'as commonly distributed; the original page states no licence. Derived from NIST Special Databases 1 and 3.',
      url: 'https://creativecommons.org/licenses/by-sa/3.0/',
    },
    citation:
      'Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition", 1998.',
    homepage: 'http://yann.lecun.com/exdb/mnist/',
    splits: { train: { size: 60_000, unit: 'images' }, test: { size: 10_000, unit: 'images' } },
  },
  'fashion-mnist': {
    name: 'fashion-mnist',
    title: 'Fashion-MNIST: articles of clothing, 28×28 grey',
    files: [
      {
        name: 'train-images-idx3-ubyte.gz',
        urls: fashionUrls('train-images-idx3-ubyte.gz'),
        sha256: '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
        md5: '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
        bytes: 26_421_880,
      },
      {
        name: 'train-labels-idx1-ubyte.gz',
        urls: fashionUrls('train-labels-idx1-ubyte.gz'),
        sha256: 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
        md5: '25c81989df183df01b3e8a0aad5dffbe',
        bytes: 29_515,
      },
      {
        name: 't10k-images-idx3-ubyte.gz',
        urls: fashionUrls('t10k-images-idx3-ubyte.gz'),
        sha256: '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
        md5: 'bef4ecab320f06d8554ea6380940ec79',
        bytes: 4_422_102,
      },
      {
        name: 't10k-labels-idx1-ubyte.gz',
        urls: fashionUrls('t10k-labels-idx1-ubyte.gz'),
        sha256: '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
        md5: 'bb300cfdad3c16e7a12a480ee83cd310',
        bytes: 5_148,
      },
    ],
    licence: { name: 'MIT', url: 'https://github.com/zalandoresearch/fashion-mnist/blob/master/LICENSE' },
    citation:
      'H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms", 2017.',
    homepage: 'https://github.com/zalandoresearch/fashion-mnist',
    splits: { train: { size: 60_000, unit: 'images' }, test: { size: 10_000, unit: 'images' } },
  },
  'cifar-10': {
    name: 'cifar-10',
    title: 'CIFAR-10: small photographs of ten classes, 32×32 colour',
    files: [
      {
        name: 'cifar-10-binary.tar.gz',
        urls: ['https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz'],
        sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
        md5: 'c32a1d4ab5d03f1284b67883e8d87530',
        bytes: 170_052_171,
      },
    ],
    archived: [
      {
        name: 'cifar-10-batches-bin/data_batch_1.bin',
        bytes: 30_730_000,
        sha256: 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5',
      },
      {
        name: 'cifar-10-batches-bin/data_batch_2.bin',
        bytes: 30_730_000,
        sha256: 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed',
      },
      {
        name: 'cifar-10-batches-bin/data_batch_3.bin',
        bytes: 30_730_000,
        sha256: 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67',
      },
      {
        name: 'cifar-10-batches-bin/data_batch_4.bin',
        bytes: 30_730_000,
        sha256: '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48',
      },
      {
        name: 'cifar-10-batches-bin/data_batch_5.bin',
        bytes: 30_730_000,
        sha256: '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add',
      },
      {
        name: 'cifar-10-batches-bin/test_batch.bin',
        bytes: 30_730_000,
        sha256: '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b',
      },
    ],
    licence: { name: 'none stated', note: 'research use; cite the report.' },
    citation: 'A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.',
    homepage: 'https://www.cs.toronto.edu/~kriz/cifar.html',
    splits: { train: { size: 50_000, unit: 'images' }, test: { size: 10_000, unit: 'images' } },
  },
  'cifar-100': {
    name: 'cifar-100',
    title: 'CIFAR-100: small photographs of a hundred classes in twenty groups, 32×32 colour',
    files: [
      {
        name: 'cifar-100-binary.tar.gz',
        urls: ['https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz'],
        sha256: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
        md5: '03b5dce01913d631647c71ecec9e9cb8',
        bytes: 168_513_733,
      },
    ],
    archived: [
      { name: 'cifar-100-binary/train.bin', bytes: 153_700_000 },
      { name: 'cifar-100-binary/test.bin', bytes: 30_740_000 },
    ],
    licence: { name: 'none stated', note: 'research use; cite the report.' },
    citation: 'A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.',
    homepage: 'https://www.cs.toronto.edu/~kriz/cifar.html',
    splits: { train: { size: 50_000, unit: 'images' }, test: { size: 10_000, unit: 'images' } },
  },
  multi30k: {
    name: 'multi30k',
    title: 'Multi30k: descriptions of photographs, English and German',
    files: [
      {
        name: 'train.de.gz',
        urls: ['https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/train.de.gz'],
        sha256: '726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6',
        bytes: 637_044,
      },
      {
        name: 'train.en.gz',
        urls: ['https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/train.en.gz'],
        sha256: 'd79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f',
        bytes: 568_929,
      },
      {
        name: 'val.de.gz',
        urls: ['https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/val.de.gz'],
        sha256: 'f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a',
        bytes: 24_681,
      },
      {
        name: 'val.en.gz',
        urls: ['https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/val.en.gz'],
        sha256: '14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28',
        bytes: 21_650,
      },
      {
        name: 'test_2016_flickr.de.gz',
        urls: ['https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/test_2016_flickr.de.gz'],
        sha256: '9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8',
        bytes: 22_890,
      },
      {
        name: 'test_2016_flickr.en.gz',
        urls: ['https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/test_2016_flickr.en.gz'],
        sha256: '611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9',
        bytes: 21_077,
      },
    ],
    licence: {
      name: 'CC BY-NC-SA 4.0',
      note: 'the translations, as commonly given; the repository has no licence file. The English captions are from Flickr30k, for non-commercial research and education.',
      url: 'https://creativecommons.org/licenses/by-nc-sa/4.0/',
    },
    citation:
      'D. Elliott, S. Frank, K. Sima’an and L. Specia, "Multi30K: Multilingual English-German image descriptions", 2016.',
    homepage: 'https://github.com/multi30k/dataset',
    splits: {
      train: { size: 29_000, unit: 'sentence pairs' },
      validation: { size: 1_014, unit: 'sentence pairs' },
      test2016: { size: 1_000, unit: 'sentence pairs' },
    },
  },
  'wikitext-2': {
    name: 'wikitext-2',
    title: 'WikiText-2: good and featured articles of Wikipedia, for word language models',
    files: [
      {
        name: 'train.txt',
        urls: wikiTextUrls('train.txt'),
        sha256: '9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f',
        md5: '34a77ebe59551b3a3b3d8c0a2797c976',
        bytes: 10_797_148,
      },
      {
        name: 'valid.txt',
        urls: wikiTextUrls('valid.txt'),
        sha256: 'f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8',
        md5: 'd756d22ab2310e7e60c094bea5c5a8eb',
        bytes: 1_121_681,
      },
      {
        name: 'test.txt',
        urls: wikiTextUrls('test.txt'),
        sha256: 'd790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0',
        md5: '781c9418ab9414bd09e4aad825aae752',
        bytes: 1_256_449,
      },
    ],
    licence: {
      name: 'CC BY-SA 3.0',
      note: 'text of Wikipedia.',
      url: 'https://creativecommons.org/licenses/by-sa/3.0/',
    },
    citation: 'S. Merity, C. Xiong, J. Bradbury and R. Socher, "Pointer sentinel mixture models", 2016.',
    homepage: 'https://github.com/pytorch/examples/tree/main/word_language_model/data/wikitext-2',
    splits: {
      train: { size: 2_088_628, unit: 'words', rule: 'each line break counts as a word' },
      validation: { size: 217_646, unit: 'words', rule: 'each line break counts as a word' },
      test: { size: 245_569, unit: 'words', rule: 'each line break counts as a word' },
    },
  },
  'sst-2': {
    name: 'sst-2',
    title: 'SST-2: sentences of film reviews, positive or negative, in the form of GLUE',
    files: [
      {
        name: 'SST-2.zip',
        urls: ['https://dl.fbaipublicfiles.com/glue/data/SST-2.zip'],
        sha256: 'd67e16fb55739c1b32cdce9877596db1c127dc322d93c082281f64057c16deaa',
        md5: '9f81648d4199384278b86e315dac217c',
        bytes: 7_439_277,
      },
    ],
    archived: [
      {
        name: 'train.tsv',
        bytes: 3_806_081,
        sha256: '48eac26399f8456935f81dd9e3a745c1430adb6c62e233ccfe22db4a0d15d1d1',
      },
      {
        name: 'dev.tsv',
        bytes: 94_931,
        sha256: '54a9c12c77e402fc14d6a66a506f24d999f596b0176eb777c972cccc2f9cc4b0',
      },
      {
        name: 'test.tsv',
        bytes: 197_335,
        sha256: '69a938605609b3e6663b4487918fe1565eb293734e6e520d0366d1d412fd2a13',
      },
    ],
    licence: { name: 'none stated', note: 'research use; cite the papers.' },
    citation:
      'R. Socher et al., "Recursive deep models for semantic compositionality over a sentiment treebank", 2013; A. Wang et al., "GLUE", 2018.',
    homepage: 'https://nlp.stanford.edu/sentiment/',
    splits: {
      train: { size: 67_349, unit: 'phrases' },
      validation: { size: 872, unit: 'sentences' },
      test: { size: 1_821, unit: 'sentences', rule: 'their labels are not public' },
    },
  },
} as const satisfies Readonly<Record<string, DataSet>>;

/** The names in the {@link registry}. */
export type DataSetName = keyof typeof registry;

/**
 * The registry's entry for `name`.
 *
 * @throws when there is none; the message lists those there are
 */
export function findDataSet(name: string): DataSet {
  const known: Readonly<Record<string, DataSet>> = registry;
  const found = Object.hasOwn(known, name) ? known[name] : undefined;
  if (found === undefined) {
    throw new Error(`findDataSet: there is no data set "${name}"; choose one of: ${Object.keys(known).join(', ')}.`);
  }
  return found;
}

/**
 * The entry of one file of `dataSet`.
 *
 * @throws when it has no such file; the message lists its files
 */
export function findDataFile(dataSet: DataSet, fileName: string): DataFile {
  const found = dataSet.files.find((file) => file.name === fileName);
  if (found === undefined) {
    const names = dataSet.files.map((file) => file.name).join(', ');
    throw new Error(`findDataFile: ${dataSet.name} has no file "${fileName}"; choose one of: ${names}.`);
  }
  return found;
}
