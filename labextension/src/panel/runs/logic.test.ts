import { nullTranslator } from '@jupyterlab/translation';
import type { Run } from '../../api/types';
import { choiceOf, NOTHING_CHOSEN } from './choice';
import { allColumns, cellOf, chosenColumns, isDownFirst, toggled } from './columns';
import { formatBytes, formatMetric, formatNumber, formatSeconds, formatTime, formatValue, shortNames, wordsOf } from './format';
import { filterProblem, nameOf, nextSort, ordersOf } from './query';
import { folderOf, put } from './restoring';
import { workspaceRow } from './rows';
import { extend, toggle } from './selection';
import { sourcesOf } from './sources';
import { parseTag } from './tags';

const trans = nullTranslator.load('jupyter_mlops');
const RUN = {
  run_id: '20260131-235959-brisk-otter-1f3c',
  status: 'running',
  started: '2026-01-31T23:59:59.000Z',
  seconds: null,
  commit: '77b0d1e0000',
  metrics: { accuracy: 0.96123456, loss: 'NaN' },
  params: { n: 100, kind: '<b>x</b>', deep: { a: 1 } },
  tags: { team: 'fraud' },
  note: null
} as unknown as Run;
const KNOWN = {
  attributes: ['run_id', 'pipeline', 'status', 'started', 'seconds', 'user', 'commit', 'experiment'],
  metrics: ['accuracy', 'auc', 'loss', 'f1 score'],
  params: ['n', 'kind'],
  tags: ['team']
};

test('runs have the short names that people use, and different ones', () => {
  expect(wordsOf(RUN.run_id)).toBe('brisk-otter');
  expect(wordsOf('something else')).toBe('something else');
  const other = '20260201-000000-brisk-otter-77aa';
  expect([...shortNames([RUN.run_id, other]).values()]).toEqual(['brisk-otter 1f3c', 'brisk-otter 77aa']);
  expect([...shortNames([RUN.run_id, RUN.run_id]).values()]).toEqual(['brisk-otter']);
});

test.each([
  [0.96123456, '0.9612'],
  [1, '1'],
  [0, '0'],
  [123456789, '123456789'],
  [0.000012345, '1.234e-5'],
  [-1234567.5, '-1.235e+6'],
  [0.5, '0.5']
])('the number %d reads %s', (value, text) => expect(formatNumber(value)).toBe(text));

test('what is no number is said, and what is not there is empty', () => {
  expect([formatMetric('NaN'), formatMetric('-Infinity'), formatMetric(undefined)]).toEqual(['NaN', '-∞', '']);
  expect([formatValue(null), formatValue(true), formatValue([1, 'a']), formatValue(undefined)]).toEqual([
    'None',
    'True',
    '[1,"a"]',
    ''
  ]);
});

test.each([
  [0.04, '0.0 s'],
  [9.14, '9.1 s'],
  [59.4, '59 s'],
  [250, '4 min 10 s'],
  [1805, '30 min'],
  [7380, '2 h 3 min'],
  [864000, '10 d']
])('%d seconds read %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

test('times are as short as they can be', () => {
  const now = new Date(2026, 5, 1, 12, 0);
  expect(formatTime(new Date(2026, 5, 1, 9, 5).toISOString(), now)).toBe('09:05');
  expect(formatTime(new Date(2026, 1, 3, 9, 5).toISOString(), now)).toBe('02-03 09:05');
  expect(formatTime(new Date(2024, 1, 3, 9, 5).toISOString(), now)).toBe('2024-02-03');
  expect([formatTime(null), formatTime('nonsense')]).toEqual(['', '']);
  expect([formatBytes(0), formatBytes(280), formatBytes(1500), formatBytes(2.1e9)]).toEqual(['0 B', '280 B', '1.5 kB', '2.1 GB']);
});

test('names are written as the filter language has them', () => {
  expect(nameOf('metrics', 'val/loss')).toBe('metrics.val/loss');
  expect(nameOf('params', 'learning rate')).toBe('params.`learning rate`');
  expect(nameOf('tags', 'a`b')).toBe('tags.`a``b`');
  expect(ordersOf([{ id: 'metrics.a', desc: true }, { id: 'started', desc: false }])).toEqual(['metrics.a desc', 'started']);
});

test('a filter’s error is taken apart', () => {
  const message = '"AND" can\'t stand here; a value is missing (in the filter, character 20).\n  metrics.accuracy > AND\n                     ^';
  expect(filterProblem(message)).toEqual({
    message: '"AND" can\'t stand here; a value is missing.',
    pointed: '  metrics.accuracy > AND\n                     ^',
    position: 19
  });
  expect(filterProblem('Something else.')).toEqual({ message: 'Something else.', pointed: '', position: null });
});

test('a column is sorted down, up, and not; with Shift after the others', () => {
  const once = nextSort([], 'metrics.a', true, false);
  const twice = nextSort(once, 'metrics.a', true, false);
  expect([once, twice, nextSort(twice, 'metrics.a', true, false)]).toEqual([
    [{ id: 'metrics.a', desc: true }],
    [{ id: 'metrics.a', desc: false }],
    []
  ]);
  expect(nextSort(once, 'user', false, true)).toEqual([...once, { id: 'user', desc: false }]);
  expect(nextSort(once, 'user', false, false)).toEqual([{ id: 'user', desc: false }]);
});

test('unless columns were chosen there are some of each kind', () => {
  const all = allColumns(KNOWN, trans);
  const ids = chosenColumns(all, null).map(column => column.id);
  expect(ids).toEqual([
    ...['metrics.accuracy', 'metrics.auc', 'metrics.loss', 'params.n', 'params.kind'],
    ...['seconds', 'started', 'user', 'commit', 'models']
  ]);
  expect(all.map(column => column.id)).not.toContain('run_id');
  expect(chosenColumns(all, ['user', 'metrics.gone', 'tags.team']).map(column => column.id)).toEqual(['user', 'tags.team']);
});

test('a column that is added comes after those of its kind', () => {
  const all = allColumns(KNOWN, trans);
  const shown = chosenColumns(all, ['started', 'metrics.auc', 'user']);
  const find = (id: string): (typeof all)[number] => all.find(column => column.id === id)!;
  expect(toggled(shown, find('metrics.loss'))).toEqual(['started', 'metrics.auc', 'metrics.loss', 'user']);
  expect(toggled(shown, find('metrics.auc'))).toEqual(['started', 'user']);
  expect(toggled(shown, find('tags.team'))).toEqual(['started', 'metrics.auc', 'user', 'tags.team']);
  expect([isDownFirst(find('metrics.auc')), isDownFirst(find('user')), isDownFirst(find('started'))]).toEqual([true, false, true]);
});

test('cells show values as texts, and all of them when asked', () => {
  const all = allColumns(KNOWN, trans);
  const now = Date.parse('2026-02-01T00:01:00Z');
  const cell = (id: string): unknown => cellOf(all.find(column => column.id === id)!, RUN, undefined, now);
  expect(cell('metrics.accuracy')).toEqual({ text: '0.9612', title: '0.96123456' });
  expect(cell('params.kind')).toEqual({ text: '<b>x</b>' });
  expect(cell('seconds')).toEqual({ text: '1 min 1 s' });
  expect(cell('commit')).toEqual({ text: '77b0d1e', title: '77b0d1e0000' });
  expect(cell('tags.team')).toEqual({ text: 'fraud' });
  const marks = { dirty: true, models: [{ name: 'churn', version: 3, aliases: ['champion'] }], production: true };
  expect(cellOf(all.find(column => column.id === 'models')!, RUN, marks, now).text).toBe('churn v3 @champion');
});

test('what was stored is read with care', () => {
  expect(choiceOf(undefined)).toEqual(NOTHING_CHOSEN);
  expect(choiceOf({ filter: 3, sort: [{ id: 1 }, { id: 'a', desc: true }], columns: ['a', 4], widths: { a: -1, b: 90 } })).toEqual({
    ...NOTHING_CHOSEN,
    sort: [{ id: 'a', desc: true }],
    columns: ['a'],
    widths: { b: 90 }
  });
});

test('runs are chosen one by one or from one to another', () => {
  expect(toggle(toggle([], 'a'), 'b')).toEqual(['a', 'b']);
  expect(toggle(['a', 'b'], 'a')).toEqual(['b']);
  expect(extend(['b'], ['a', 'b', 'c', 'd'], 'b', 'd')).toEqual(['b', 'c', 'd']);
  expect(extend(['d'], ['a', 'b', 'c', 'd'], 'd', 'a')).toEqual(['d', 'a', 'b', 'c']);
  expect(extend(['x'], ['a'], 'x', 'a')).toEqual(['x', 'a']);
});

test('the notebook as it is now has the chosen values, and says which are other than its own', () => {
  const parameters = [
    { name: 'rate', type: 'float' as const, default: 0.1 },
    { name: 'n', type: 'int' as const, default: 5 }
  ];
  const analysis = { pipeline: { parameters } } as unknown as Parameters<typeof workspaceRow>[0];
  expect(workspaceRow(analysis, { rate: 0.2, n: 5, gone: 1 }, false)).toMatchObject({
    values: { rate: 0.2, n: 5 },
    edited: ['rate']
  });
  expect(workspaceRow(null, {}, false)).toBeNull();
});

test('what can be registered begins with what is likely meant', () => {
  const output = (name: string, type: string, kind = 'value'): object => ({ id: name, kind, names: [name], type });
  const detail = {
    run_id: 'r',
    steps: [
      { slug: 'load', name: 'load', outputs: [output('frame', 'pandas.DataFrame'), output('scaler', 'sklearn.Scaler'), output('m.onnx', '', 'file'), output('f', 'image/png', 'figure')] },
      { slug: 'train-forest', name: 'train forest', outputs: [output('forest', 'sklearn.ensemble.Forest')] }
    ]
  } as unknown as Parameters<typeof sourcesOf>[0];
  expect(sourcesOf(detail)).toEqual([
    { source: 'r:train-forest/forest', label: 'forest · Forest · train forest' },
    { source: 'r:load/scaler', label: 'scaler · Scaler · load' },
    { source: 'r:load/m.onnx', label: 'm.onnx · load' }
  ]);
});

test('tags are typed as name=value', () => {
  expect([parseTag('team = fraud'), parseTag('draft'), parseTag('a=b=c'), parseTag(' = x'), parseTag('')]).toEqual([
    ['team', 'fraud'],
    ['draft', ''],
    ['a', 'b=c'],
    null,
    null
  ]);
});

test('a restored notebook goes beside the notebook that ran', () => {
  const status = { project: { name: 'p', path: 'work' }, store: { folder: '/home/me/work/.mlops' } } as never;
  expect(folderOf({ notebook: '/home/me/work/deep/a.ipynb' }, status, 'other/b.ipynb')).toBe('work/deep');
  expect(folderOf({ notebook: '/elsewhere/a.ipynb' }, status, 'other/b.ipynb')).toBe('other');
  expect(folderOf({ notebook: null }, status, '')).toBe('work');
});

test('restoring never takes a name that is taken', async () => {
  const taken = new Set(['work/a (brisk-otter).ipynb']);
  const written: string[] = [];
  const contents = {
    newUntitled: () => Promise.resolve({ path: 'work/Untitled.ipynb' }),
    save: (path: string) => {
      written.push(path);
      return Promise.resolve({ path });
    },
    rename: (_: string, path: string) => (taken.has(path) ? Promise.reject(new Error('taken')) : Promise.resolve({ path }))
  } as unknown as Parameters<typeof put>[0];
  expect(await put(contents, 'work', { name: `a-${RUN.run_id}.ipynb`, content: {} }, RUN.run_id)).toBe('work/a (brisk-otter 2).ipynb');
  expect(written).toEqual(['work/Untitled.ipynb']);
});
