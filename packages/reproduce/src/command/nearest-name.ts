/** Edit distance that also counts two swapped neighbours as one edit (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      let best = Math.min(previous[column]! + 1, current[column - 1]! + 1, substitution);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, beforePrevious[column - 2]! + 1);
      }
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}

/**
 * The valid name that was most probably meant, or undefined where none is close. A dotted key is also found by its last
 * part alone (`heads` means `model.heads`), and capitals, dashes and underscores are forgiven (`learning-rate`).
 */
export function nearestName(typed: string, names: readonly string[]): string | undefined {
  const plain = (name: string) => name.toLowerCase().replace(/[-_]/g, '');
  const wanted = plain(typed);
  const lastPart = (name: string) => name.slice(name.lastIndexOf('.') + 1);
  let nearest: string | undefined;
  let nearestDistance = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const candidate = plain(name);
    const tail = plain(lastPart(name));
    let distance = Math.min(editDistance(wanted, candidate), editDistance(plain(lastPart(typed)), tail) + 0.5);
    if (wanted.length >= 3 && candidate.startsWith(wanted)) distance = Math.min(distance, 1);
    if (distance < nearestDistance) {
      nearest = name;
      nearestDistance = distance;
    }
  }
  return nearestDistance <= Math.max(1.5, Math.floor(typed.length / 3)) ? nearest : undefined;
}

/** ` Did you mean --preset?`-like ending of an error message, or the list of all valid names where none is close. */
export function suggestion(
  typed: string,
  names: readonly string[],
  show: (name: string) => string = (name) => name,
): string {
  const nearest = nearestName(typed, names);
  const all = names.map(show).join(', ');
  if (nearest === undefined) return `valid names: ${all}`;
  return `did you mean ${show(nearest)}? (valid names: ${all})`;
}
