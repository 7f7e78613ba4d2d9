/**
 * A small process that speaks the protocol of environment-process.ts, for tests: a counter that ends after five moves. Its
 * argument makes it misbehave.
 */
import { createInterface } from 'node:readline';

const fault = process.argv[2] ?? 'none';
const shape = fault.startsWith('frames') ? [30, 20, 3] : [2, 3];
const bytes = shape.reduce((product, size) => product * size, 1);
const write = (message, data = Buffer.alloc(0)) =>
  process.stdout.write(Buffer.concat([Buffer.from(`${JSON.stringify(message)}\n`), data]));
const faults = {
  'no json': () => process.stdout.write('Welcome to the arcade!\n'),
  'no object': () => process.stdout.write('7\n'),
  bytes: (answer, data) => write({ ...answer, bytes: 5 }, data),
  id: (answer, data) => write({ ...answer, id: 99 }, data),
  reward: (answer, data) => write({ ...answer, reward: 'much' }, data),
  ends: (answer, data) => write({ ...answer, terminated: 'perhaps' }, data),
  info: (answer, data) => write({ ...answer, info: { lives: 'three' } }, data),
  error: (answer) => write({ id: answer.id, error: 'the emulator is tired' }),
  endless: () => process.stdout.write('x'.repeat(100_000)),
  silent: () => {},
  half: (answer, data) => {
    write(answer, data.subarray(0, 3));
    process.exit(0);
  },
};

if (fault === 'dies at once') {
  console.error('no such game');
  process.exit(3);
}
if (fault === 'describes nothing') write({ name: 'counter' });
else write({ name: 'counter', actions: ['wait', 'go'], shape, type: 'uint8' });

let count = 0;
let steps = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  const stepping = question.step !== undefined;
  count = stepping ? count + question.step : (question.reset ?? 0);
  if (stepping && (fault === 'dies' || (fault.endsWith('dies after 25') && ++steps > 25))) {
    console.error('the emulator crashed');
    process.exit(1);
  }
  const answer = { id: question.id, bytes, info: { lives: 3 } };
  if (stepping) Object.assign(answer, { reward: 0.5, terminated: count >= 5, truncated: false });
  const data = Buffer.alloc(bytes, count);
  if (stepping && faults[fault]) {
    faults[fault](answer, data);
    continue;
  }
  // In two pieces: what belongs together need not arrive together.
  const message = Buffer.concat([Buffer.from(`${JSON.stringify(answer)}\n`), data]);
  process.stdout.write(message.subarray(0, 7));
  setTimeout(() => process.stdout.write(message.subarray(7)), 2);
}
