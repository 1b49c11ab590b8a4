import { customizeValidator } from '@rjsf/validator-ajv8';
import { nullTranslator } from '@jupyterlab/translation';
import type { Parameter } from '../../../api/types';
import { literalAt, literalOf } from './literal';
import { sourcesWith } from './saving';
import { FORMATS, formData, remarkOf, schemaOf, uiSchemaOf, valuesOf } from './schema';

const trans = nullTranslator.load('jupyter_mlops');
const validator = customizeValidator({ customFormats: { ...FORMATS } });

function parameter(name: string, type: Parameter['type'], value: unknown, more: Partial<Parameter> = {}): Parameter {
  return { name, type, default: value, cell: 'p', line: 1, ...more };
}

const ALL: Parameter[] = [
  parameter('n', 'int', 3),
  parameter('rate', 'float', 0.5),
  parameter('limit', 'float', 'Infinity'),
  parameter('name', 'str', 'a'),
  parameter('fast', 'bool', true),
  parameter('layers', 'list', [1, 2]),
  parameter('options', 'dict', { a: 1 }),
  parameter('seed', 'int', null, { optional: true }),
  parameter('verbose', 'bool', null, { optional: true }),
  parameter('anything', 'none', null)
];

function errors(data: Readonly<Record<string, unknown>>): number {
  return validator.validateFormData({ ...data }, schemaOf(ALL)).errors.length;
}

test('the notebook’s own values are valid, and mean that nothing was chosen', () => {
  const data = formData(ALL, {});
  expect(errors(data)).toBe(0);
  expect(valuesOf(ALL, data)).toEqual({});
});

test('fields are in the order of the cell', () => {
  expect(uiSchemaOf(ALL)['ui:order']).toEqual([...ALL.map(one => one.name), '*']);
});

test('what is typed becomes a value of the parameter’s type', () => {
  const data = {
    ...formData(ALL, {}),
    n: 4,
    limit: '2.5',
    name: '',
    fast: false,
    layers: '[3]',
    options: '{"b": [true]}',
    seed: 7,
    verbose: 'False',
    anything: 'a text'
  };
  expect(errors(data)).toBe(0);
  const values = valuesOf(ALL, data);
  expect(values).toEqual({
    n: 4,
    limit: 2.5,
    name: '',
    fast: false,
    layers: [3],
    options: { b: [true] },
    seed: 7,
    verbose: false,
    anything: 'a text'
  });
  expect(valuesOf(ALL, formData(ALL, values))).toEqual(values);
});

test('an emptied field stands for None where that is allowed, else for the notebook’s value', () => {
  const parameters = [parameter('seed', 'int', 7, { optional: true }), parameter('n', 'int', 3)];
  expect(valuesOf(parameters, { seed: undefined, n: undefined })).toEqual({ seed: null });
});

test.each([
  ['n', 1.5],
  ['n', 'x'],
  ['rate', 'x'],
  ['limit', 'much'],
  ['layers', '{"a": 1}'],
  ['layers', '[1, 2'],
  ['options', '[1]']
])('%s can’t be %p', (name, value) => {
  expect(errors({ ...formData(ALL, {}), [name]: value })).toBe(1);
});

test('a changed parameter says what the cell says', () => {
  expect(remarkOf(ALL[0]!, true, trans)).toBe('int · the cell says 3');
  expect(remarkOf(ALL[7]!, false, trans)).toBe('int or None');
});

test.each([
  [1, 'int', '1'],
  [1, 'float', '1.0'],
  [1e21, 'float', '1e+21'],
  ['it\'s "x"\n', 'str', '"it\'s \\"x\\"\\n"'],
  [[1, 'a', null, true], 'list', '[1, "a", None, True]'],
  [{ a: [0.5] }, 'dict', '{"a": [0.5]}'],
  ['NaN', 'float', null]
] as const)('%p of the type %s is written as %p', (value, type, text) => {
  expect(literalOf(value, type)).toBe(text);
});

test.each([
  ['n = 100', 1, '100'],
  ['n: int = 100  # how many', 1, '100'],
  ['a = 1; n = -2.5e-3; b = 3', 1, '-2.5e-3'],
  ['x = 1\nn = [\n  1,\n  2,\n]\ny = 2', 2, '[\n  1,\n  2,\n]'],
  ['n: Optional["dict[str, int]"] = {"a = 1": (1, None)}', 1, '{"a = 1": (1, None)}'],
  ['n = """a # b\n"""', 1, '"""a # b\n"""'],
  ["n = r'a\\d'", 1, "r'a\\d'"]
])('the literal in %p is found', (source, line, text) => {
  const found = literalAt(source, 'n', line);
  expect(found && source.slice(found.start, found.end)).toBe(text);
});

test.each([
  ['n = len("a")', 'a call'],
  ['n = m = 3', 'two names'],
  ['n = [\n  1,  # one\n]', 'a remark that would be lost'],
  ['n += 1', 'no assignment'],
  ['nn = 1', 'another name'],
  ['n = "a', 'no whole text'],
  ['n = [1', 'no whole list']
])('what stands in %p is left alone: %s', source => {
  expect(literalAt(source, 'n', 1)).toBeNull();
});

test('several parameters of a cell are replaced, and the rest of it stays', () => {
  const source = 'n: int = 100  # trees\nname = "a"\nother = f(1)\n';
  const content = { path: 'a.ipynb', metadata: {}, cells: [{ id: 'p', cell_type: 'code', source, metadata: {} }] };
  const parameters = [parameter('n', 'int', 100), parameter('name', 'str', 'a', { line: 2 })];
  const sources = sourcesWith(content, parameters, { n: 20000, name: 'long "one"' }, trans);
  expect(sources.get('p')).toBe('n: int = 20000  # trees\nname = "long \\"one\\""\nother = f(1)\n');
});

test('a parameter whose assignment is no literal is refused by name', () => {
  const content = { path: 'a.ipynb', metadata: {}, cells: [{ id: 'p', cell_type: 'code', source: 'n = f()', metadata: {} }] };
  expect(() => sourcesWith(content, [parameter('n', 'int', 1)], { n: 2 }, trans)).toThrow(/n can’t be written/);
});
