#!/usr/bin/env node
/** The command `fundamentals`: `reproduce` runs experiments, `list` names them. */
import { runVerbs } from '@milestones/reproduce';
import { main as reproduce } from './reproduce.ts';

const usage = `fundamentals reproduce                                    every experiment, briefly
fundamentals reproduce --experiment <name> [flags]        one experiment; --preset quick or laptop, and the usual flags
fundamentals list                                         name, family and claim of each
fundamentals reproduce --experiment <name> --help         flags and settings of one
`;

await runVerbs('fundamentals', usage, { reproduce, list: (argv) => reproduce(['--list', ...argv]) });
