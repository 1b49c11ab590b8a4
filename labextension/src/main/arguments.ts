import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

/** A text among a command's arguments; empty where there is none. */
export function textOf(args: ReadonlyPartialJSONObject, name: string): string {
  const found = args[name];
  return typeof found === 'string' ? found : '';
}

/** Texts among a command's arguments, each once. */
export function textsOf(args: ReadonlyPartialJSONObject, name: string): string[] {
  const found: unknown = args[name];
  const all: unknown[] = Array.isArray(found) ? found : [];
  return [...new Set(all.filter((one): one is string => typeof one === 'string'))];
}
