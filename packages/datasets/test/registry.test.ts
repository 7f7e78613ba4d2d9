import { expect, it } from 'vitest';
import { type DataSet, findDataFile, findDataSet, registry } from '../src/index.ts';

it('every entry is complete', () => {
  const entries: [string, DataSet][] = Object.entries(registry);
  for (const [name, entry] of entries) {
    expect(entry.name).toBe(name);
    expect(entry.files.length).toBeGreaterThan(0);
    for (const file of entry.files) {
      expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(file.bytes).toBeGreaterThan(0);
      for (const url of file.urls) expect(new URL(url).protocol).toMatch(/^https?:$/);
      expect(file.urls.length).toBeGreaterThan(0);
    }
    for (const text of [entry.title, entry.licence.name, entry.citation]) expect(text).not.toBe('');
    expect(new URL(entry.homepage).protocol).toMatch(/^https?:$/);
    for (const split of Object.values(entry.splits)) expect(split.size).toBeGreaterThan(0);
  }
});

it('names what there is when asked for something else', () => {
  expect(findDataSet('tinyshakespeare').files[0]!.name).toBe('input.txt');
  expect(() => findDataSet('shakespeare')).toThrow('no data set "shakespeare"; choose one of: tinyshakespeare');
  expect(() => findDataSet('toString')).toThrow('no data set "toString"');
  expect(() => findDataFile(registry.tinyshakespeare, 'output.txt')).toThrow('choose one of: input.txt');
});
