/** Optional peers: the project compiles without them, and a program that lacks them learns it at run time. */
declare module '@tensorflow/tfjs-backend-webgpu' {
  export const version_webgpu: string;
}

declare module 'webgpu' {
  export function create(options: string[]): GPU;
  export const globals: Record<string, unknown>;
}
