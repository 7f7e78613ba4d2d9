/** The ids that begin every vocabulary of this package, see `WordVocabulary`. */
export const tokens = { padding: 0, unknown: 1, start: 2, end: 3 } as const;
