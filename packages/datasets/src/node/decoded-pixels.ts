/** What a file decodes to, before alpha is dealt with. */
export interface DecodedPixels {
  /** Shape [H, W, C], flat. */
  data: Uint8Array;
  height: number;
  width: number;
  /** 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha. */
  channels: 1 | 2 | 3 | 4;
}
