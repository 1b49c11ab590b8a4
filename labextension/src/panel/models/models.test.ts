import type { RunDetail } from '../../api/types';
import type { LiveVersion } from '../../api/types';
import { KEPT, driftBars, latencyText, sampled, sparkline, type ISample } from './numbers';
import { deploymentName, fieldsOf, reweighted, rowOf, rowsOf } from './rows';
import { canBeModel, candidatesOf, nameProblem } from './source';

const SIGNATURE = {
  inputs: [
    { name: 'age', dtype: 'int64' },
    { name: 'plan', dtype: 'object' },
    { name: 'is_new', dtype: 'bool' }
  ],
  features: 3,
  dtype: null,
  classes: [0, 1],
  source: null
};

test('estimators, functions and model files can be models; data can’t', () => {
  const value = (type: string | null): boolean => canBeModel({ kind: 'value', type }, 'x');
  expect(['sklearn.ensemble.RandomForestClassifier', 'function', 'mylib.Net', null].map(value)).toEqual([true, true, true, true]);
  expect(['pandas.DataFrame', 'numpy.ndarray', 'dict', 'float', 'scipy.sparse.csr_matrix'].map(value)).toEqual(Array(5).fill(false));
  expect(canBeModel({ kind: 'file', type: 'file' }, 'out/model.ONNX')).toBe(true);
  expect(canBeModel({ kind: 'file', type: 'file' }, 'report.csv')).toBe(false);
  expect(canBeModel({ kind: 'file', type: 'file', serializer: 'folder' }, 'saved.keras')).toBe(false);
  expect(canBeModel({ kind: 'figure', type: 'image/png' }, 'figure')).toBe(false);
});

test('what a run made is offered, the last step first, of steps that ended well', () => {
  const made = (name: string, type: string): object => ({
    ...{ id: `s.${name}`, kind: 'value', names: [name], digest: '', bytes: 1, type, serializer: 'pickle' },
    ...{ preview: null, schema: null }
  });
  const step = (slug: string, status: string, outputs: unknown[]): object => ({ slug, name: slug, status, outputs });
  const run = {
    run_id: 'r1',
    steps: [
      step('load', 'succeeded', [made('frame', 'pandas.DataFrame'), made('scaler', 'sklearn.preprocessing.StandardScaler')]),
      step('train', 'reused', [made('forest', 'sklearn.ensemble.RandomForestClassifier')]),
      step('broken', 'failed', [made('late', 'sklearn.svm.SVC')])
    ]
  } as unknown as RunDetail;
  expect(candidatesOf(run).map(one => one.source)).toEqual(['r1:train/forest', 'r1:load/scaler']);
});

test('names of models and aliases', () => {
  expect(['churn', 'who will <b>leave</b>', 'ü'].map(nameProblem)).toEqual([null, 'character', null]);
  expect(['a/b', 'a@b', 'a:b', 'a\\b', 'a\nb'].map(nameProblem)).toEqual(Array(5).fill('character'));
  expect(nameProblem('  ')).toBe('empty');
  expect(nameProblem('x'.repeat(201))).toBe('long');
});

test('a request is made of the texts of a form, by the signature', () => {
  expect(fieldsOf(SIGNATURE).map(field => field.kind)).toEqual(['number', 'text', 'boolean']);
  expect(rowOf(SIGNATURE, { age: '41', plan: ' gold ', is_new: 'true' })).toEqual({
    row: { age: 41, plan: 'gold', is_new: true }
  });
  expect(rowOf(SIGNATURE, { plan: 'gold' })).toEqual({ row: { age: null, plan: 'gold', is_new: null } });
  expect(rowOf(SIGNATURE, { age: 'old' })).toEqual({ problem: { field: 'age', text: 'old' } });
  expect(rowOf(SIGNATURE, { age: '1e999' })).toHaveProperty('problem');
  const array = { inputs: [], features: 2, dtype: 'float64', classes: [], source: null };
  expect(rowOf(array, { '0': '1.5', '1': '2,5' })).toEqual({ row: [1.5, 2.5] });
  expect(fieldsOf(null)).toEqual([]);
});

test('rows can be written as JSON', () => {
  expect(rowsOf('{"age": 1}')).toEqual([{ age: 1 }]);
  expect(rowsOf('[{"age": 1}, {"age": 2}]')).toHaveLength(2);
  expect(rowsOf('[1, 2]')).toEqual([[1, 2]]);
  expect(['', '[]', '3', 'null', '{'].map(rowsOf)).toEqual(Array(5).fill(null));
});

test('a deployment has a name that all targets take', () => {
  expect(deploymentName('churn', 'production')).toBe('churn');
  expect(deploymentName('Wer geht? Ü 2', 'staging')).toBe('wer-geht-u-2-staging');
  expect(deploymentName('42', 'production')).toBe('model');
  expect(deploymentName('x'.repeat(80), 'staging')).toMatch(/^x{45}-staging$/);
});

test('weights stay a hundred together', () => {
  expect(reweighted({ '3': 90, '4': 10 }, '4', 30)).toEqual({ '3': 70, '4': 30 });
  expect(reweighted({ '1': 50, '2': 30, '3': 20 }, '1', 0)).toEqual({ '1': 0, '2': 60, '3': 40 });
  expect(reweighted({ '1': 100, '2': 0, '3': 0 }, '1', 40)).toEqual({ '1': 40, '2': 30, '3': 30 });
  expect(reweighted({ '1': 100 }, '1', 20)).toEqual({ '1': 100 });
  expect(reweighted({ '1': 60, '2': 40 }, '2', 140)).toEqual({ '1': 0, '2': 100 });
});

test('live numbers are kept for a while, and drawn', () => {
  const drift = { level: 'alert', rows: 500, needed: 500, waiting: 0, reason: null };
  const features = [
    { name: 'a', score: 0.1, level: 'ok' as const },
    { name: '<b>', score: 0.4, level: 'alert' as const }
  ];
  const version = (rate: number): LiveVersion => ({
    ...{ version: 1, role: 'stable', weight: 100, ready: true, requests: 1, rate, failures: 0 },
    ...{ p50: 1, p95: 2, p99: 4.1, drift: { ...drift, features } }
  });
  let samples: readonly ISample[] = [];
  for (let time = 0; time < KEPT + 10; time += 1) {
    samples = sampled(samples, { measured: null, seconds: 60, versions: [version(time), version(1)] }, time);
  }
  expect(samples).toHaveLength(KEPT);
  expect(samples[0]).toEqual({ time: 10, rate: 11 });
  expect((sparkline(samples, 'requests')['data'] as { values: unknown[] }).values).toHaveLength(KEPT);
  expect(driftBars(features, 1)['data']).toEqual({ values: [{ feature: '<b>', score: 0.4, level: 'alert' }] });
  expect([4.1, 2340, null].map(latencyText)).toEqual(['4.1 ms', '2.3 s', '–']);
});
