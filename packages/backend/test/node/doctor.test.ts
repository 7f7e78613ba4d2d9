import { describe, expect, it, vi } from 'vitest';
import { doctor, formatDoctorReport, isSupportedNode, type DoctorReport } from '@milestones/backend/node';

const REPORT: DoctorReport = {
  node: { version: '22.4.1', supported: true, oldest: '20.19.0' },
  machine: {
    platform: 'linux',
    architecture: 'x64',
    processor: 'A processor',
    processorCount: 2,
    memory: 8 * 2 ** 30,
    freeMemory: 2.5 * 2 ** 30,
  },
  requestedEngine: null,
  engines: [
    {
      name: 'cuda',
      description: 'a library',
      usable: false,
      automatic: false,
      reason: 'the package is missing.',
      remedy: 'Install it.',
    },
    { name: 'wasm', description: 'kernels', usable: true, automatic: true, version: '4.22.0', warning: 'it is slow.' },
  ],
};

describe('doctor', () => {
  it('reports on this machine', async () => {
    vi.stubEnv('MILESTONES_BACKEND', 'wasm');
    const report = await doctor();
    vi.unstubAllEnvs();
    expect(report.node).toEqual({ version: process.versions.node, supported: true, oldest: '20.19.0' });
    expect(report.requestedEngine).toBe('wasm');
    expect(report.machine.processorCount).toBeGreaterThanOrEqual(1);
    expect(report.machine.memory).toBeGreaterThanOrEqual(report.machine.freeMemory);
    expect(report.engines.map(({ name }) => name)).toEqual(['cuda', 'webgpu', 'native', 'onnx', 'wasm', 'cpu']);
    expect(report.engines.find(({ name }) => name === 'onnx')).toMatchObject({ usable: true, automatic: true });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

describe('isSupportedNode', () => {
  it('begins at 20.19', () => {
    expect(['18.20.0', '20.18.9', '20.19.0', '20.20.2', '22.0.0', '26.1.0'].map(isSupportedNode)).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
    ]);
  });
});

describe('formatDoctorReport', () => {
  it('says for each engine whether it works, and if not, what is missing and what to do', () => {
    expect(formatDoctorReport(REPORT)).toBe(`\
Node     22.4.1: supported, the packages need 20.19.0 or newer
System   linux x64, A processor
Cores    2
Memory   8.0 GiB, of which 2.5 GiB are free

Engines, in the order in which 'auto' tries them:
  cuda    no   The package is missing.
               Install it.
  wasm    yes  Kernels, version 4.22.0
               It is slow.

Programs here use 'wasm', unless MILESTONES_BACKEND or --backend names another engine.`);
  });

  it('says what MILESTONES_BACKEND comes to', () => {
    const lastLine = (requestedEngine: string) =>
      formatDoctorReport({ ...REPORT, requestedEngine })
        .split('\n')
        .at(-1);
    expect(lastLine('wasm')).toBe(
      "Programs here use 'wasm', because MILESTONES_BACKEND says so; 'auto' would be 'wasm'.",
    );
    expect(lastLine('cuda')).toMatch(/asks for 'cuda', which cannot be used here; without it programs use 'wasm'/);
    expect(lastLine('gpu')).toMatch(/is 'gpu', which is not an engine; choose one of auto, cuda/);
  });

  it('asks for a newer Node where this one is too old', () => {
    const report = { ...REPORT, node: { ...REPORT.node, version: '18.0.0', supported: false } };
    expect(formatDoctorReport(report)).toContain(
      '18.0.0: too old, the packages need 20.19.0 or newer; please update Node',
    );
  });
});
