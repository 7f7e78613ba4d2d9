import { appendFileSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MetricsLog, readMetrics } from '../src/index.ts';
import { temporaryFolder } from './toy-command.ts';

describe('MetricsLog', () => {
  it('is cut back to a stored position, a half-written line included', () => {
    const folder = temporaryFolder();
    const first = new MetricsLog(folder);
    first.append(1, { loss: 2 });
    const position = first.position();
    first.append(2, { loss: 1 });
    first.close();
    appendFileSync(join(folder, 'metrics.jsonl'), '{"step":3,"lo');
    expect(readMetrics(folder)).toEqual([
      { step: 1, loss: 2 },
      { step: 2, loss: 1 },
    ]);

    const second = new MetricsLog(folder);
    second.restore(position);
    expect(readMetrics(folder)).toEqual([{ step: 1, loss: 2 }]);
    second.append(2, { loss: 0.5 });
    second.close();
    expect(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).toBe('{"step":1,"loss":2}\n{"step":2,"loss":0.5}\n');
    const events = readdirSync(folder).filter((name) => name.includes('tfevents'));
    expect(events).toHaveLength(1);
  });

  it('starts the event file anew when it is cut to nothing', () => {
    const folder = temporaryFolder();
    const log = new MetricsLog(folder);
    const { events } = log.position();
    log.append(1, { loss: 2 });
    log.restore({ metrics: 0, events: 0 });
    expect(log.position()).toEqual({ metrics: 0, events });
    log.close();
  });

  it('refuses a file that is shorter than the checkpoint knows', () => {
    const folder = temporaryFolder();
    const log = new MetricsLog(folder);
    log.append(1, { loss: 2 });
    const position = log.position();
    log.close();
    truncateSync(join(folder, 'metrics.jsonl'), 3);
    const again = new MetricsLog(folder);
    expect(() => again.restore(position)).toThrow('it has 3 bytes, but the checkpoint was saved when it had 20');
    again.close();
  });
});
