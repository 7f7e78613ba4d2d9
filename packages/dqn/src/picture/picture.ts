/** Pictures in memory: what an environment shows a human. */

/** Pixels in RGB, row-major, three bytes each. */
export interface Picture {
  width: number;
  height: number;
  data: Uint8Array;
}

/** A colour: red, green, blue, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** Draws rectangles, lines and discs, in pixels, without smoothing: few colours make small files. */
export class Canvas implements Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;

  constructor(width: number, height: number, background: Colour = [255, 255, 255]) {
    this.width = width;
    this.height = height;
    this.data = new Uint8Array(width * height * 3);
    this.rectangle(0, 0, width, height, background);
  }

  /** One pixel; outside of the picture, nothing. */
  point(x: number, y: number, colour: Colour): void {
    const [column, row] = [Math.round(x), Math.round(y)];
    if (column < 0 || row < 0 || column >= this.width || row >= this.height) return;
    this.data.set(colour, (row * this.width + column) * 3);
  }

  /** A filled rectangle with its upper left corner at (x, y). */
  rectangle(x: number, y: number, width: number, height: number, colour: Colour): void {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) this.point(x + column, y + row, colour);
    }
  }

  /** A filled disc. */
  disc(x: number, y: number, radius: number, colour: Colour): void {
    for (let dy = -Math.ceil(radius); dy <= radius; dy++) {
      for (let dx = -Math.ceil(radius); dx <= radius; dx++) {
        if (dx * dx + dy * dy <= radius * radius) this.point(x + dx, y + dy, colour);
      }
    }
  }

  /** A line of the given thickness. */
  line(x1: number, y1: number, x2: number, y2: number, colour: Colour, thickness = 1): void {
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(x2 - x1, y2 - y1)));
    for (let step = 0; step <= steps; step++) {
      const part = step / steps;
      this.disc(x1 + (x2 - x1) * part, y1 + (y2 - y1) * part, thickness / 2, colour);
    }
  }
}

/** Every pixel becomes a square of `factor` × `factor`. */
export function enlarge(picture: Picture, factor: number): Picture {
  const { width, height, data } = picture;
  const enlarged = { width: width * factor, height: height * factor, data: new Uint8Array(data.length * factor ** 2) };
  for (let row = 0; row < enlarged.height; row++) {
    for (let column = 0; column < enlarged.width; column++) {
      const from = (Math.floor(row / factor) * width + Math.floor(column / factor)) * 3;
      const to = (row * enlarged.width + column) * 3;
      for (let channel = 0; channel < 3; channel++) enlarged.data[to + channel] = data[from + channel]!;
    }
  }
  return enlarged;
}
