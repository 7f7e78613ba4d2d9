import { expect, it } from 'vitest';
import { loaderOptions } from '../src/index.ts';

function collect(): { stream: { write(text: string): void; columns: number }; text(): string } {
  let written = '';
  return { stream: { write: (text) => void (written += text), columns: 100 }, text: () => written };
}

it('hands on what the command line says, and nothing that it does not', () => {
  const { stream } = collect();
  const given = loaderOptions({ data: '/cache', offline: true, progressBar: false }, stream);
  expect(given).toMatchObject({ data: '/cache', offline: true });
  const silent = loaderOptions({ data: undefined, offline: false, progressBar: false }, stream);
  expect(Object.keys(silent).toSorted()).toEqual(['onNotice', 'onProgress']);
});

it('draws one bar for each file and finishes it with the last byte', () => {
  const { stream, text } = collect();
  const { onProgress, onNotice } = loaderOptions({ data: undefined, offline: false, progressBar: true }, stream);
  onNotice('the file is damaged; downloading it anew.');
  onProgress({ path: '/cache/set/input.txt', bytes: 10, total: 100 });
  onProgress({ path: '/cache/set/input.txt', bytes: 100, total: 100 });
  expect(text()).toContain('the file is damaged; downloading it anew.\n');
  expect(text()).toContain('download input.txt, byte 10/100');
  expect(text().endsWith('\n')).toBe(true);
  expect(text()).toContain('download input.txt, byte 100/100');
});
