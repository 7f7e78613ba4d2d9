#!/usr/bin/env node
/** The command `milestones-doctor`. It succeeds whatever it finds: a missing engine is news, not a failure. */
import { parseArgs } from 'node:util';
import { doctor, formatDoctorReport } from './doctor.ts';

const HELP = `Usage: milestones-doctor [--json]

Says which engines this machine can use and, for each that it cannot, the exact missing piece.

  --json   print the report as JSON
  --help   print this help`;

try {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help) {
    console.log(HELP);
  } else {
    const report = await doctor();
    console.log(values.json ? JSON.stringify(report, null, 2) : formatDoctorReport(report));
  }
} catch (error) {
  const isUsage = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  if (!isUsage) throw error;
  console.error(`milestones-doctor: ${(error as Error).message}\n\n${HELP}`);
  process.exitCode = 2;
}
