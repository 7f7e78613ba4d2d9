/** What needs files: saving an agent. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import { encodePretrained, type TrainedAgent } from '../weights.ts';

/** Writes an agent's folder, which `loadPretrained` reads again. Each file is complete or not there. */
export async function savePretrained(agent: TrainedAgent, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(await encodePretrained(agent)))
    await saveFile(join(folder, name), content);
}
