/** Why a download failed: a caller may want to treat these differently. */
export type DownloadFailure =
  /** Working offline was asked for and the file is not there. */
  | 'offline'
  /** No URL could be reached, or every connection broke or stalled. */
  | 'network'
  /** The server answered, but not with the file. */
  | 'answer'
  /** What arrived is not the file: its size or SHA-256 differs. */
  | 'checksum'
  /** The file could not be written. */
  | 'disk';

/** A file that could not be had. The message says why and what to do, including where to put the file by hand. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
  readonly failure: DownloadFailure;
  /** Where the file belongs. */
  readonly path: string;

  constructor(message: string, details: { failure: DownloadFailure; path: string; cause?: unknown }) {
    super(message, { cause: details.cause });
    this.failure = details.failure;
    this.path = details.path;
  }
}
