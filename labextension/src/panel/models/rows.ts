import type { ModelDetails } from '../../api/types';

type Signature = NonNullable<ModelDetails['signature']>;

/** A field of a form for one request. */
export interface IField {
  readonly name: string;
  readonly kind: 'number' | 'boolean' | 'text';
  readonly dtype: string;
}

/** The fields of a request, of a model's signature; empty where only JSON will do. */
export function fieldsOf(signature: Signature | null): IField[] {
  const inputs = signature?.inputs ?? [];
  if (inputs.length > 0) {
    return inputs.map(({ name, dtype }) => ({ name, kind: kindOf(dtype), dtype: dtype ?? '' }));
  }
  const kind = kindOf(signature?.dtype ?? null, 'number');
  return Array.from({ length: signature?.features ?? 0 }, (_, at) => ({
    name: String(at),
    kind,
    dtype: signature?.dtype ?? ''
  }));
}

function kindOf(dtype: string | null, otherwise: IField['kind'] = 'text'): IField['kind'] {
  if (dtype === null) {
    return otherwise;
  }
  if (/^bool/i.test(dtype)) {
    return 'boolean';
  }
  return /^u?int|^float|^double|^decimal/i.test(dtype) ? 'number' : 'text';
}

/** What is wrong with the texts of a form. */
export interface IRowProblem {
  readonly field: string;
  readonly text: string;
}

/** A request's row of the texts of a form: an object by column, or a list where the model has no names. */
export function rowOf(
  signature: Signature | null,
  texts: Readonly<Record<string, string>>
): { readonly row: unknown } | { readonly problem: IRowProblem } {
  const fields = fieldsOf(signature);
  const values: [string, unknown][] = [];
  for (const field of fields) {
    const text = (texts[field.name] ?? '').trim();
    const value = valueOf(field, text);
    if (value === undefined) {
      return { problem: { field: field.name, text } };
    }
    values.push([field.name, value]);
  }
  const isNamed = (signature?.inputs.length ?? 0) > 0;
  return { row: isNamed ? Object.fromEntries(values) : values.map(([, value]) => value) };
}

/** The value of a text; null where it is empty, undefined where it is none. */
function valueOf(field: IField, text: string): unknown {
  if (text === '') {
    return null;
  }
  if (field.kind === 'boolean') {
    return text === 'true' ? true : text === 'false' ? false : undefined;
  }
  if (field.kind === 'text') {
    return text;
  }
  const number = Number(text.replace(/^([-+]?\d+),(\d+)$/, '$1.$2'));
  return Number.isFinite(number) ? number : undefined;
}

/** Rows of JSON that somebody wrote: a list of rows, or one row. */
export function rowsOf(json: string): readonly unknown[] | null {
  try {
    const found = JSON.parse(json) as unknown;
    if (Array.isArray(found)) {
      const areRows = found.length > 0 && found.every(row => typeof row === 'object' && row !== null);
      return areRows ? found : found.length > 0 ? [found] : null;
    }
    return typeof found === 'object' && found !== null ? [found] : null;
  } catch {
    return null;
  }
}

/** The environments that are offered; the first needs no addition to the name. */
export const ENVIRONMENTS = ['production', 'staging', 'test'] as const;
export const TARGETS = ['local', 'container', 'kubernetes', 'kserve'] as const;
const LONGEST_NAME = 53;

/** A name for the deployment of a model in an environment, fit for all targets. */
export function deploymentName(model: string, environment: string): string {
  const plain = model
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '');
  const addition = environment === ENVIRONMENTS[0] ? '' : `-${environment}`;
  return `${(plain || 'model').slice(0, LONGEST_NAME - addition.length).replace(/-+$/, '')}${addition}`;
}

/** Traffic weights after one of them was set: the others share what is left as they did before. */
export function reweighted(weights: Readonly<Record<string, number>>, version: string, weight: number): Record<string, number> {
  const others = Object.keys(weights).filter(one => one !== version);
  if (others.length === 0) {
    return { [version]: 100 };
  }
  const set = Math.min(100, Math.max(0, Math.round(weight)));
  const sum = others.reduce((all, one) => all + (weights[one] ?? 0), 0);
  let left = 100 - set;
  const found: Record<string, number> = { ...weights, [version]: set };
  others.forEach((one, at) => {
    const share = sum > 0 ? (weights[one] ?? 0) / sum : 1 / others.length;
    const part = at === others.length - 1 ? left : Math.min(left, Math.round((100 - set) * share));
    found[one] = part;
    left -= part;
  });
  return found;
}
