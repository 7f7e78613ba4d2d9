#!/usr/bin/env node
/** The command `milestones-sweep`, for milestones that are installed beside this package. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CommandError } from '@milestones/reproduce';
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2), {
  prefix: 'npx milestones-sweep',
  locate(milestone) {
    const name = `@milestones/${milestone}`;
    try {
      return createRequire(join(process.cwd(), 'package.json')).resolve(`${name}/reproduce`);
    } catch {
      throw new CommandError(`sweep: there is no milestone ${name} here; install it with: npm install ${name}.`);
    }
  },
});
