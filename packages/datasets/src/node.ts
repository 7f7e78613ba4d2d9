/** The part of this package that needs Node: downloads, the cache, and loaders of real data sets. */
export { loadTinyShakespeare } from './node/tiny-shakespeare.ts';
export { type CacheSurroundings, type LoadOptions, cacheFolder, downloadDataFile, loadDataFile } from './node/cache.ts';
export { type DownloadOptions, type DownloadProgress, type DownloadRequest, downloadFile } from './node/download.ts';
export { DownloadError, type DownloadFailure } from './node/download-error.ts';
export { loadFashionMnist, loadMnist } from './node/mnist.ts';
export { type Cifar100Options, loadCifar10, loadCifar100 } from './node/cifar.ts';
export { type ImageOptions, type LoadImageOptions, decodeImage, loadImage } from './node/image.ts';
export { encodePng } from './node/encode-png.ts';
export { type ImageFolderOptions, loadImageFolder } from './node/image-folder.ts';
export { type Multi30kOptions, type Multi30kPair, type Multi30kPart, loadMulti30k } from './node/multi30k.ts';
export { loadParallelText } from './node/parallel-files.ts';
export { loadWikiText2, type WikiTextPart } from './node/wikitext.ts';
export { loadSst2, type Sst2Part } from './node/sst2.ts';
export { loadLabelledText, loadText, loadTokenizer, saveTokenizer } from './node/text-files.ts';
export { downloadModel } from './node/hub-model.ts';
