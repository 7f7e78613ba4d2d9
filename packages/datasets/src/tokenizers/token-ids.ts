/** The tokens in the order of their ids, which must be 0, 1, 2, … */
export function tokensById(ids: ReadonlyMap<string, unknown>): string[] {
  const tokens: (string | undefined)[] = new Array(ids.size).fill(undefined);
  for (const [token, id] of ids) {
    if (
      !Number.isSafeInteger(id) ||
      (id as number) < 0 ||
      (id as number) >= ids.size ||
      tokens[id as number] !== undefined
    ) {
      throw new Error(
        `tokenizer: the token ${JSON.stringify(token)} has the id ${JSON.stringify(id)}; ${ids.size} tokens have the ids ` +
          `0 to ${ids.size - 1}, each once. Restore the vocabulary's file.`,
      );
    }
    tokens[id as number] = token;
  }
  return tokens as string[];
}
