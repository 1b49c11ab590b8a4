import { nullTranslator } from '@jupyterlab/translation';
import type { Job, JobStep, Pipeline, Plan } from '../../api/types';
import { duration, statesOf, summaryOf } from './states';

const trans = nullTranslator.load('jupyter_mlops');
const NOW = Date.parse('2026-01-01T00:00:10.000Z');
const PIPELINE = {
  steps: [
    { slug: 'load', name: 'Load' },
    { slug: 'train', name: 'Train' }
  ],
  edges: [['load', 'train']]
} as unknown as Pipeline;

function step(slug: string, status: JobStep['status'], more: Partial<JobStep> = {}): JobStep {
  return {
    slug,
    name: slug === 'load' ? 'Load' : 'Train',
    status,
    cached: status === 'reused',
    seconds: 1.25,
    started: '2026-01-01T00:00:06.000Z',
    reason: null,
    attempt: 1,
    kernel: null,
    cell: null,
    index: null,
    cells: null,
    ...more
  };
}

function job(state: Job['state'], steps: JobStep[], kind: Job['kind'] = 'run'): Job {
  return { id: 'j', kind, state, steps, seq: 1 } as unknown as Job;
}

function plan(load: string, train: string): Plan {
  const planned = (slug: string, action: string): unknown => ({ slug, name: slug, action, reason: `because ${slug}` });
  return { schema: 1, pipeline: 'p', steps: [planned('load', load), planned('train', train)] } as unknown as Plan;
}

function states(found: Job | null, planned: Plan | null): readonly (readonly [string, string])[] {
  const all = statesOf({ pipeline: PIPELINE, plan: planned, job: found, now: NOW, trans });
  return [...all.values()].map(({ status, text }) => [status, text] as const);
}

test('before the first run a step says what will become of it', () => {
  expect(states(null, plan('reused', 'maybe'))).toEqual([
    ['to-reuse', 'reused'],
    ['to-run', 'perhaps to run']
  ]);
  expect(states(null, null)).toEqual([
    ['none', ''],
    ['none', '']
  ]);
});

test('while it runs a step says for how long, at which cell, or what it waits for', () => {
  const running = job('running', [step('load', 'running', { index: 2, cells: 3 }), step('train', 'queued')]);
  expect(states(running, plan('run', 'run'))).toEqual([
    ['running', 'running · 4.0 s · cell 2 of 3'],
    ['waiting', 'waiting for Load']
  ]);
});

test('afterwards a step says what became of it', () => {
  const ended = job('failed', [step('load', 'reused'), step('train', 'failed', { reason: 'ValueError' })]);
  expect(states(ended, null)).toEqual([
    ['reused', 'reused · 1.3 s'],
    ['failed', 'failed · 1.3 s']
  ]);
});

test('a step that was good and would run anew says so; one that failed stays failed until it is run', () => {
  const ended = job('failed', [step('load', 'succeeded'), step('train', 'failed')]);
  expect(states(ended, plan('run', 'run')).map(([status]) => status)).toEqual(['to-run', 'failed']);
  expect(states(ended, plan('reused', 'run')).map(([status]) => status)).toEqual(['succeeded', 'failed']);
});

test('a verification that has ended says nothing about the steps', () => {
  const verified = job('succeeded', [step('load', 'succeeded'), step('train', 'succeeded')], 'verify');
  expect(states(verified, plan('reused', 'run')).map(([status]) => status)).toEqual(['to-reuse', 'to-run']);
});

test('counts of a plan are a line', () => {
  expect(summaryOf({ reused: 3, run: 2, maybe: 0, skipped: 0 }, trans)).toBe('3 reused, 2 to run');
});

test('durations are read at a glance', () => {
  expect([0, 9.94, 9.96, 119, 125, 7300].map(duration)).toEqual(['0.0 s', '9.9 s', '10 s', '119 s', '2 min 5 s', '2 h 1 min']);
});
