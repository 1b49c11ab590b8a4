import type { Run, RunPage } from '../../api/types';
import { PAGE, RunsModel, type Ask } from './model';

const COLUMNS = { attributes: ['status'], metrics: [], params: [], tags: [] };

function run(number: number, more: Partial<Run> = {}): Run {
  return {
    run_id: `run-${number}`,
    pipeline: 'churn',
    status: 'succeeded',
    started: null,
    finished: null,
    seconds: 1,
    notebook: null,
    kernel: null,
    backend: 'local',
    trigger: 'hand',
    user: null,
    commit: null,
    configuration: null,
    parent: null,
    host: null,
    note: null,
    experiments: [],
    metrics: {},
    params: {},
    tags: {},
    ...more
  };
}

/** A store whose newest run comes first, as a server answers for it. */
class Store {
  readonly runs: Run[] = [];
  asked: number[] = [];
  fails: Error | null = null;

  constructor(count: number) {
    for (let number = 0; number < count; number += 1) {
      this.add(run(number));
    }
  }

  add(one: Run): void {
    this.runs.unshift(one);
  }

  readonly ask: Ask = page => {
    this.asked.push(page);
    return this.fails ? Promise.reject(this.fails) : Promise.resolve(this.page(page));
  };

  private page(page: number): RunPage {
    const runs = this.runs.slice((page - 1) * PAGE, page * PAGE);
    const total = this.runs.length;
    const more = page * PAGE < total;
    return { page, limit: PAGE, more, total, notes: [], runs, pinned: [], marks: {}, columns: COLUMNS, seq: 1 };
  }
}

async function settled(model: RunsModel): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) {
    await Promise.resolve();
  }
  expect(model.isBusy).toBe(false);
}

async function shown(count: number): Promise<[RunsModel, Store]> {
  const [model, store] = [new RunsModel(), new Store(count)];
  model.ask('all', store.ask);
  await settled(model);
  return [model, store];
}

test('only pages that are looked at are asked for, and each once', async () => {
  const [model, store] = await shown(10_000);
  expect([model.total, model.runAt(0)?.run_id]).toEqual([10_000, 'run-9999']);
  expect(model.runAt(5000)).toBeUndefined();
  model.show(4990, 5010);
  await settled(model);
  expect(store.asked).toEqual([1, 100, 101]);
  expect(model.runAt(5000)?.run_id).toBe('run-4999');
  model.show(4992, 5012);
  await settled(model);
  expect(store.asked).toHaveLength(3);
});

test('what is far away is forgotten', async () => {
  const [model] = await shown(10_000);
  for (let at = 0; at < 9000; at += 40) {
    model.show(at, at + 30);
    await settled(model);
    expect(model.runAt(at)?.run_id).toBe(`run-${9999 - at}`);
    expect(model.held).toBeLessThanOrEqual(12);
  }
});

test('a thousand changes hold no more than one', async () => {
  const [model, store] = await shown(500);
  for (let number = 0; number < 1000; number += 1) {
    store.runs[3] = run(3, { seconds: number });
    model.refresh();
    await settled(model);
  }
  expect(model.runAt(3)?.seconds).toBe(999);
  expect(model.held).toBeLessThanOrEqual(2);
});

test('who looks further down keeps looking at the same runs when newer ones come', async () => {
  const [model, store] = await shown(1000);
  model.show(120, 150);
  await settled(model);
  const moves: number[] = [];
  model.moved.connect((_, delta) => moves.push(delta));
  [1, 2, 3].forEach(number => store.add(run(1000 + number)));
  model.refresh();
  await settled(model);
  expect(moves).toEqual([3]);
  expect(model.runAt(123)?.run_id).toBe('run-879');
});

test('a problem keeps the rows, is not asked for again by itself, and goes when it is mended', async () => {
  const [model, store] = await shown(200);
  store.fails = new Error('wrong filter');
  model.ask('wrong', store.ask);
  await settled(model);
  const asked = store.asked.length;
  expect([model.error?.message, model.total]).toEqual(['wrong filter', 200]);
  model.show(0, 20);
  model.show(0, 21);
  await settled(model);
  expect(store.asked).toHaveLength(asked);
  store.fails = null;
  model.refresh();
  await settled(model);
  expect([model.error, model.runAt(0)?.run_id]).toEqual([null, 'run-199']);
});

test('an answer to a former question is not shown', async () => {
  const model = new RunsModel();
  const answers: ((page: RunPage) => void)[] = [];
  const late: Ask = () => new Promise(resolve => answers.push(resolve));
  model.ask('slow', late);
  const store = new Store(7);
  model.ask('quick', store.ask);
  await settled(model);
  const other = await new Store(3).ask(1, new AbortController().signal);
  answers.forEach(answer => answer(other));
  await settled(model);
  expect(model.total).toBe(7);
});

test('a change of tags or note is seen at once', async () => {
  const [model] = await shown(10);
  model.note({ run_id: 'run-4', tags: { team: 'fraud' }, note: 'good' });
  expect([model.find('run-4')?.note, model.find('run-4')?.tags]).toEqual(['good', { team: 'fraud' }]);
  expect(model.find('run-5')?.note).toBeNull();
});
