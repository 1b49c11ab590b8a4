import type { Parameter } from '../../../api/types';

/** A value as a Python literal; null where there is none for it. */
export function literalOf(value: unknown, type: Parameter['type']): string | null {
  if (value === null || value === undefined) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) {
      return null;
    }
    const text = String(value);
    return type === 'float' && /^-?\d+$/.test(text) ? `${text}.0` : text;
  }
  if (typeof value === 'string') {
    // JSON's escapes mean the same in Python; a float that JSON has not is no literal there
    return type === 'float' ? null : JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    return joined(value.map(item => literalOf(item, 'none')), '[', ']');
  }
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  return joined(
    entries.map(([name, item]) => {
      const text = literalOf(item, 'none');
      return text === null ? null : `${JSON.stringify(name)}: ${text}`;
    }),
    '{',
    '}'
  );
}

/** A piece of a cell's source and what is to stand in its place. */
export interface IReplacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Where the literal stands that a parameter is assigned in a cell, at a line counted from 1; null where what stands
 * there is not one literal that can be replaced without losing something.
 */
export function literalAt(source: string, name: string, line: number): Omit<IReplacement, 'text'> | null {
  const lines = source.split('\n');
  if (line < 1 || line > lines.length) {
    return null;
  }
  const begin = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  const statement = new RegExp(`(?:^|;)[ \\t]*${name}[ \\t]*(?=[:=])`, 'u');
  const found = statement.exec(lines[line - 1] ?? '');
  if (!found) {
    return null;
  }
  const after = begin + found.index + found[0].length;
  const sign = source[after] === ':' ? scan(source, after + 1, '=') : after;
  if (sign === null || source[sign] !== '=' || source[sign + 1] === '=') {
    return null;
  }
  const start = sign + 1 + (/^[ \t]*/.exec(source.slice(sign + 1))?.[0].length ?? 0);
  const end = scan(source, start, '');
  if (end === null) {
    return null;
  }
  const text = source.slice(start, end).trimEnd();
  return isLiteral(text) ? { start, end: start + text.length } : null;
}

const STRING = /^(?:[rRbBuU]|[rR][bB]|[bB][rR])?('''|"""|'|")/;
const WORDS = new Set(['True', 'False', 'None']);

/** Where an expression ends, or where a sign stands outside of brackets and texts; null where neither is found. */
function scan(source: string, start: number, sign: string): number | null {
  let depth = 0;
  let at = start;
  while (at < source.length) {
    const text = STRING.exec(source.slice(at, at + 5));
    if (text && !/[\p{L}\p{N}_]/u.test(source[at - 1] ?? '')) {
      const close = endOfText(source, at + text[0].length, text[1] as string);
      if (close === null) {
        return null;
      }
      at = close;
      continue;
    }
    const letter = source[at] as string;
    if (sign && depth === 0 && letter === sign) {
      return at;
    }
    if (depth === 0 && (letter === '\n' || letter === ';' || letter === '#')) {
      return sign ? null : at;
    }
    if ('([{'.includes(letter)) {
      depth += 1;
    } else if (')]}'.includes(letter)) {
      depth -= 1;
    }
    at += 1;
  }
  return sign || depth !== 0 ? null : at;
}

function endOfText(source: string, start: number, quote: string): number | null {
  let at = start;
  while (at < source.length) {
    if (source[at] === '\\') {
      at += 2;
    } else if (source.startsWith(quote, at)) {
      return at + quote.length;
    } else if (quote.length === 1 && source[at] === '\n') {
      return null;
    } else {
      at += 1;
    }
  }
  return null;
}

/** Whether a text has nothing but numbers, texts, brackets and the three constants: no call, no name, no remark. */
function isLiteral(text: string): boolean {
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const string = STRING.exec(rest);
    if (string) {
      const end = endOfText(text, at + string[0].length, string[1] as string);
      if (end === null) {
        return false;
      }
      at = end;
      continue;
    }
    const piece = /^(?:[\d.][\w.]*(?:(?<=[eE])[+-]\d+)?|[A-Za-z_]\w*|[[\]{}(),:+\-\s])/.exec(rest)?.[0];
    if (!piece || (/^[A-Za-z_]/.test(piece) && !WORDS.has(piece))) {
      return false;
    }
    at += piece.length;
  }
  return text.length > 0;
}

function joined(items: readonly (string | null)[], open: string, close: string): string | null {
  return items.includes(null) ? null : `${open}${items.join(', ')}${close}`;
}
