/**
 * Where a sweep keeps what it knows: small texts under names, each replaced only by somebody who has seen its present
 * content. That one operation is all that the rules of `trial-record.ts` need to hold among several processes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { saveFile } from '@milestones/core/node';

/** A set of named texts with an atomic replacement. */
export interface DocumentStore {
  /** The texts of these names; null where there is none. */
  load(names: readonly string[]): Promise<(string | null)[]>;
  /**
   * Writes a text, provided that the present one still is `expected` (null: there is none). Nobody else can write between
   * the comparison and the replacement.
   *
   * @returns whether it was written
   */
  replace(name: string, expected: string | null, text: string): Promise<boolean>;
}

/** Documents in memory: for tests, and what a queue is compared with. */
export class MemoryDocuments implements DocumentStore {
  readonly #texts = new Map<string, string>();

  async load(names: readonly string[]): Promise<(string | null)[]> {
    return names.map((name) => this.#texts.get(name) ?? null);
  }

  async replace(name: string, expected: string | null, text: string): Promise<boolean> {
    if ((this.#texts.get(name) ?? null) !== expected) return false;
    this.#texts.set(name, text);
    return true;
  }
}

/** Documents as files of a folder, for one writing process: the sweep's lock keeps others out. Readers need no lock. */
export class FolderDocuments implements DocumentStore {
  readonly #folder: string;
  #writing: Promise<unknown> = Promise.resolve();

  /** Nothing is made or read before it is asked for. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async load(names: readonly string[]): Promise<(string | null)[]> {
    return names.map((name) => this.#read(name));
  }

  replace(name: string, expected: string | null, text: string): Promise<boolean> {
    // One after the other, so that within this process too nothing comes between comparison and replacement.
    const turn = this.#writing.then(async () => {
      if (this.#read(name) !== expected) return false;
      if (text !== expected) await saveFile(this.#path(name), text);
      return true;
    });
    this.#writing = turn.catch(() => undefined);
    return turn;
  }

  #path(name: string): string {
    return join(this.#folder, `${name}.json`);
  }

  #read(name: string): string | null {
    const path = this.#path(name);
    return existsSync(path) ? readFileSync(path, 'utf8') : null;
  }
}
