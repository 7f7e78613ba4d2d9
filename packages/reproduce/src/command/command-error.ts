/**
 * A mistake in what was typed or in a preset file: unknown flag, unknown key, bad value, configuration that differs from the
 * run to be resumed. The command prints the message without a stack trace and ends with exit code 2.
 */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
