/**
 * Writes docs/capabilities.md and docs/capabilities.json: `pnpm capabilities [engine …]`.
 *
 * Without arguments it probes cpu, wasm and onnx, which every machine has, and which a test compares with the committed table.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatCapabilities, probeCapabilities } from '../packages/backend/dist/node.js';

const engines = process.argv.slice(2);
const table = await probeCapabilities(engines.length > 0 ? engines : ['cpu', 'wasm', 'onnx']);
const write = (name, text) => writeFileSync(fileURLToPath(new URL(`../docs/${name}`, import.meta.url)), text);
write('capabilities.json', `${JSON.stringify(table, null, 2)}\n`);
write('capabilities.md', formatCapabilities(table));
console.log(`${Object.keys(table).length} operations probed; see docs/capabilities.md`);
