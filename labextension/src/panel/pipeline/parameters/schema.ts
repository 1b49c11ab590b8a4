import type { TranslationBundle } from '@jupyterlab/translation';
import type { RJSFSchema, UiSchema } from '@rjsf/utils';
import type { Parameter } from '../../../api/types';

/** What stands in the form's fields, by name: texts for what JSON Schema has no small field for. */
export type FormData = Readonly<Record<string, unknown>>;

/** Formats of texts that stand for something else; the validator knows them. */
export const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  'mlops-list': text => text === '' || Array.isArray(parsed(text)),
  'mlops-dict': text => text === '' || isDict(parsed(text)),
  'mlops-float': text => text === '' || asFloat(text) !== undefined
};
const NOT_FINITE = ['NaN', 'Infinity', '-Infinity'];

/** The JSON Schema of a form for a pipeline's parameters. */
export function schemaOf(parameters: readonly Parameter[]): RJSFSchema {
  return {
    type: 'object',
    properties: Object.fromEntries(parameters.map(one => [one.name, { title: one.name, ...fieldOf(one) }]))
  };
}

/** How the form shows them. */
export function uiSchemaOf(parameters: readonly Parameter[]): UiSchema {
  const fields = parameters.map(one => {
    const ui: Record<string, unknown> = { 'ui:placeholder': textOf(one.default) };
    if (one.type === 'bool') {
      ui['ui:options'] = { label: false };
    }
    if (one.type === 'str' && !one.optional) {
      ui['ui:emptyValue'] = '';
    }
    return [one.name, ui] as const;
  });
  return { 'ui:order': [...parameters.map(one => one.name), '*'], ...Object.fromEntries(fields) };
}

/** What the fields show: the values chosen, else those of the notebook. */
export function formData(parameters: readonly Parameter[], chosen: Readonly<Record<string, unknown>>): FormData {
  return Object.fromEntries(
    parameters.map(one => [one.name, shown(one, one.name in chosen ? chosen[one.name] : one.default)])
  );
}

/**
 * The values that the fields stand for, of those parameters whose value is not the notebook's own; a field that was
 * emptied stands for None where that is allowed, else for the notebook's value.
 */
export function valuesOf(parameters: readonly Parameter[], data: FormData): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const one of parameters) {
    const value = valueOf(one, data[one.name]);
    if (value !== undefined && JSON.stringify(value) !== JSON.stringify(one.default)) {
      values[one.name] = value;
    }
  }
  return values;
}

/** What is left of chosen values when the notebook has these parameters. */
export function stillChosen(
  parameters: readonly Parameter[],
  chosen: Readonly<Record<string, unknown>>
): Record<string, unknown> {
  const names = new Set(parameters.map(one => one.name));
  return Object.fromEntries(Object.entries(chosen).filter(([name]) => names.has(name)));
}

/** Half a line about a parameter: its type, and the notebook's value where another one was chosen. */
export function remarkOf(one: Parameter, isChanged: boolean, trans: TranslationBundle): string {
  const type = one.optional && one.type !== 'none' ? trans.__('%1 or None', one.type) : typeText(one, trans);
  return isChanged ? trans.__('%1 · the cell says %2', type, textOf(one.default)) : type;
}

/** A value as Python would be written by hand; short values only are shown whole. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function typeText(one: Parameter, trans: TranslationBundle): string {
  return one.type === 'none' ? trans.__('any value') : one.type;
}

function fieldOf(one: Parameter): RJSFSchema {
  switch (one.type) {
    case 'int':
      return { type: 'integer' };
    case 'float':
      return NOT_FINITE.includes(String(one.default)) ? { type: 'string', format: 'mlops-float' } : { type: 'number' };
    case 'bool':
      return one.optional
        ? { type: 'string', oneOf: choices(['True', 'False', 'None']) }
        : { type: 'boolean' };
    case 'list':
      return { type: 'string', format: 'mlops-list' };
    case 'dict':
      return { type: 'string', format: 'mlops-dict' };
    default:
      return { type: 'string' };
  }
}

function choices(texts: readonly string[]): RJSFSchema[] {
  return texts.map(text => ({ const: text, title: text }));
}

function shown(one: Parameter, value: unknown): unknown {
  if (one.type === 'bool' && one.optional) {
    return textOf(value);
  }
  if (value === null || value === undefined) {
    return undefined;
  }
  if (one.type === 'list' || one.type === 'dict' || (one.type === 'none' && typeof value !== 'string')) {
    return JSON.stringify(value);
  }
  return NOT_FINITE.includes(String(one.default)) && one.type === 'float' ? textOf(value) : value;
}

function valueOf(one: Parameter, field: unknown): unknown {
  if (one.type === 'bool' && one.optional) {
    return { True: true, False: false, None: null }[String(field)];
  }
  if (field === undefined || field === null || (field === '' && one.type !== 'str')) {
    return one.optional || one.type === 'none' ? null : undefined;
  }
  if (typeof field !== 'string' || one.type === 'str') {
    return field;
  }
  if (one.type === 'float') {
    return asFloat(field);
  }
  const found = parsed(field);
  return found === undefined && one.type === 'none' ? field : found;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isDict(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asFloat(text: string): number | string | undefined {
  const bare = text.trim();
  if (NOT_FINITE.includes(bare)) {
    return bare;
  }
  const value = Number(bare);
  return bare !== '' && Number.isFinite(value) ? value : undefined;
}
