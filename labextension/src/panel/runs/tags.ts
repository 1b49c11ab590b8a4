/** A tag as it is typed, `name=value` or `name`; null where there is no name. */
export function parseTag(text: string): readonly [string, string] | null {
  const at = text.indexOf('=');
  const name = (at < 0 ? text : text.slice(0, at)).trim();
  return name ? [name, at < 0 ? '' : text.slice(at + 1).trim()] : null;
}
