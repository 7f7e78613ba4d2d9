/**
 * 64 bits from a name, as two 32-bit words: two runs of the FNV-1a hash with different offsets over the name's UTF-16
 * code units. Names become counters of a strong generator, so the hash need only tell names apart.
 */
export function hashName(name: string): [number, number] {
  return [fnv1a(name, 0x811c9dc5), fnv1a(name, 0x2f0b4c47)];
}

function fnv1a(text: string, offset: number): number {
  let hash = offset;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash >>> 0;
}
