import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  currentEngine,
  diagnoseEngines,
  ENGINE_NAMES,
  EngineUnavailableError,
  tf,
  useBackend,
} from '@milestones/backend';
import { platform as browserPlatform } from '../../src/engines/platform.browser.ts';

/** The version that is pinned: what compiled steps need of it is not all public. */
const ONNXRUNTIME = '1.30.0';

/** A graphics adapter as WebGPU returns it, as far as the choice of an engine looks at it. */
function stubGpu(adapter: { info: { isFallbackAdapter: boolean } } | null): void {
  vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => adapter } });
}

beforeEach(async () => {
  vi.stubEnv('MILESTONES_BACKEND', '');
  vi.stubGlobal('navigator', undefined);
  await tf.setBackend('cpu');
});
afterEach(async () => {
  await tf.setBackend('cpu');
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('useBackend', () => {
  it('chooses the first engine that works, and says why not those before it', async () => {
    const engine = await useBackend('auto');
    expect(engine).toMatchObject({ name: 'onnx', tfjsBackend: 'onnx', version: ONNXRUNTIME });
    expect(tf.getBackend()).toBe('onnx');
    expect(currentEngine()).toEqual(engine);
    expect(engine.rejected).toEqual([
      {
        name: 'cuda',
        reason:
          'the package @tensorflow/tfjs-node-gpu is not installed. ' +
          `Install it with: npm install @tensorflow/tfjs-node-gpu@${tf.version.tfjs}`,
      },
      {
        name: 'webgpu',
        reason:
          'the package webgpu is not installed. ' +
          `Install it with: npm install webgpu @tensorflow/tfjs-backend-webgpu@${tf.version.tfjs}`,
      },
      {
        name: 'native',
        reason:
          'the package @tensorflow/tfjs-node is not installed. ' +
          `Install it with: npm install @tensorflow/tfjs-node@${tf.version.tfjs}`,
      },
    ]);
  });

  it('computes on each engine that is always there, and switches between them', async () => {
    for (const name of ['cpu', 'wasm', 'onnx', 'cpu', 'onnx'] as const) {
      const engine = await useBackend(name);
      const version = name === 'onnx' ? ONNXRUNTIME : tf.version.tfjs;
      expect(engine).toEqual({ name, tfjsBackend: name, version, rejected: [] });
      expect(tf.getBackend()).toBe(name);
      const product = tf.tidy(() => tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])).dataSync()[0]);
      expect(product).toBe(11);
    }
  });

  it('obeys MILESTONES_BACKEND where the program names no engine', async () => {
    vi.stubEnv('MILESTONES_BACKEND', 'cpu');
    expect((await useBackend()).name).toBe('cpu');
    expect((await useBackend('wasm')).name).toBe('wasm');
    expect((await useBackend('auto')).name).toBe('onnx');
    vi.stubEnv('MILESTONES_BACKEND', 'auto');
    expect((await useBackend()).name).toBe('onnx');
  });

  it('lists the engines when there is none of that name', async () => {
    const choices = 'choose one of auto, cuda, webgpu, native, onnx, wasm, cpu.';
    await expect(useBackend('gpu' as 'cuda')).rejects.toThrow(`useBackend: 'gpu' is not an engine; ${choices}`);
    vi.stubEnv('MILESTONES_BACKEND', 'tensorflow');
    await expect(useBackend()).rejects.toThrow(`MILESTONES_BACKEND: 'tensorflow' is not an engine; ${choices}`);
  });

  it('throws for an engine that was named and cannot be used, and keeps the one before', async () => {
    const before = await useBackend('wasm');
    const failure = await useBackend('native').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineUnavailableError);
    expect(failure).toMatchObject({
      engine: 'native',
      message:
        "useBackend: the engine 'native' cannot be used here: the package @tensorflow/tfjs-node is not installed. " +
        `Install it with: npm install @tensorflow/tfjs-node@${tf.version.tfjs}`,
    });
    expect(tf.getBackend()).toBe('wasm');
    expect(currentEngine()).toEqual(before);
    vi.stubEnv('MILESTONES_BACKEND', 'cuda');
    await expect(useBackend()).rejects.toThrow(/^MILESTONES_BACKEND: the engine 'cuda' cannot be used here: /);
  });

  it('makes calls wait for one another', async () => {
    const engines = await Promise.all([useBackend('wasm'), useBackend('cpu'), useBackend('auto'), useBackend('cpu')]);
    expect(engines.map(({ name }) => name)).toEqual(['wasm', 'cpu', 'onnx', 'cpu']);
    expect(tf.getBackend()).toBe('cpu');
    expect(currentEngine()?.name).toBe('cpu');
  });

  it('goes on after a call that failed', async () => {
    const [failed, engine] = await Promise.allSettled([useBackend('native'), useBackend('cpu')]);
    expect(failed.status).toBe('rejected');
    expect(engine).toMatchObject({ status: 'fulfilled', value: { name: 'cpu' } });
  });
});

describe('currentEngine', () => {
  it('knows nothing of a backend that the program set itself', async () => {
    await useBackend('wasm');
    await tf.setBackend('cpu');
    expect(currentEngine()).toBeUndefined();
  });
});

describe('the engine webgpu', () => {
  it('needs an adapter', async () => {
    stubGpu(null);
    await expect(useBackend('webgpu')).rejects.toThrow(/WebGPU finds no graphics adapter\. Install the GPU's driver/);
    expect(tf.getBackend()).toBe('cpu');
  });

  it('is passed over with a simulated GPU, unless it is asked for by name', async () => {
    stubGpu({ info: { isFallbackAdapter: true } });
    const automatic = await useBackend('auto');
    expect(automatic.name).toBe('onnx');
    expect(automatic.rejected.find(({ name }) => name === 'webgpu')?.reason).toMatch(
      /adapter is simulated by software/,
    );

    // tfjs's WebGPU package is absent here; its backend is played by that of plain JavaScript.
    const cpuBackend = tf.findBackend('cpu');
    tf.registerBackend('webgpu', async () => cpuBackend);
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const engine = await useBackend('webgpu');
    expect(engine).toMatchObject({ name: 'webgpu', tfjsBackend: 'webgpu' });
    expect(engine.warning).toMatch(/simulated by software/);
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/^useBackend: webgpu: the graphics adapter is simulated/));
    await tf.setBackend('cpu');
    tf.removeBackend('webgpu');
  });

  it('comes before native, onnx, wasm and cpu with a real GPU', async () => {
    stubGpu({ info: { isFallbackAdapter: false } });
    const cpuBackend = tf.findBackend('cpu');
    tf.registerBackend('webgpu', async () => cpuBackend);
    const engine = await useBackend('auto');
    expect(engine).toMatchObject({ name: 'webgpu', rejected: [{ name: 'cuda' }] });
    expect(engine.warning).toBeUndefined();
    await tf.setBackend('cpu');
    tf.removeBackend('webgpu');
  });

  it('says what tfjs could not start, and leaves tfjs on an engine that works', async () => {
    stubGpu({ info: { isFallbackAdapter: false } });
    tf.registerBackend('webgpu', async () => {
      throw new Error('the device was lost');
    });
    await expect(useBackend('webgpu')).rejects.toThrow(
      /it does not start: the device was lost\. Choose another engine\./,
    );
    expect(tf.getBackend()).toBe('cpu');
    expect((await useBackend('auto')).rejected.map(({ name }) => name)).toEqual(['cuda', 'webgpu', 'native']);
    await tf.setBackend('cpu');
    tf.removeBackend('webgpu');
  });
});

describe('diagnoseEngines', () => {
  it('reports on every engine in order and changes none', async () => {
    await useBackend('cpu');
    const diagnoses = await diagnoseEngines();
    expect(diagnoses.map(({ name }) => name)).toEqual([...ENGINE_NAMES]);
    expect(diagnoses.filter(({ usable }) => usable).map(({ name }) => name)).toEqual(['onnx', 'wasm', 'cpu']);
    expect(diagnoses.filter(({ automatic }) => automatic).map(({ name }) => name)).toEqual(['onnx']);
    const usable = diagnoses.filter((diagnosis) => diagnosis.usable);
    expect(usable.map(({ version }) => version)).toEqual([ONNXRUNTIME, tf.version.tfjs, tf.version.tfjs]);
    for (const { reason, remedy } of diagnoses.filter((diagnosis) => !diagnosis.usable)) {
      expect(reason).toMatch(/^\S.*\.$/);
      expect(remedy).toMatch(/^[A-Z]/);
    }
    expect(tf.getBackend()).toBe('cpu');
    expect(currentEngine()?.name).toBe('cpu');
  });
});

describe('in a browser', () => {
  it('no environment variable asks for an engine', () => {
    vi.stubEnv('MILESTONES_BACKEND', 'cpu');
    expect(browserPlatform.requestedEngine()).toBeUndefined();
  });

  it('the TensorFlow library is refused', async () => {
    expect(await browserPlatform.loadTensorflow('@tensorflow/tfjs-node')).toEqual({
      usable: false,
      reason: '@tensorflow/tfjs-node runs in Node only, and this is a browser.',
      remedy: "Choose 'webgpu', 'wasm' or 'cpu'.",
    });
  });

  it('WebGPU is the browser’s own', async () => {
    expect(await browserPlatform.provideGpu()).toMatchObject({
      usable: false,
      reason: expect.stringMatching(/no WebGPU/),
    });
    stubGpu(null);
    expect(await browserPlatform.provideGpu()).toEqual({ usable: true });
  });
});
