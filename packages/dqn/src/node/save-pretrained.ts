/** What needs files: saving an agent. */
import { saveFolder } from '@milestones/core/node';
import { encodePretrained, type TrainedAgent } from '../weights.ts';

/** Writes an agent's folder, which `loadPretrained` reads again. Each file is complete or not there. */
export async function savePretrained(agent: TrainedAgent, folder: string): Promise<void> {
  await saveFolder(folder, await encodePretrained(agent));
}
