/** One image of any size, as bytes. */
export interface PixelImage {
  /** Shape [H, W, C], flat; 0 is black, 255 the full strength of a channel. */
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  /** 1 for grey, 3 for red, green and blue. */
  readonly channels: 1 | 3;
}
