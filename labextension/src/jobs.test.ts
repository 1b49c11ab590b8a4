import type { Job, LogEvent } from './api/types';
import { JobBook, hasEnded } from './jobs';

function job(seq: number, more: Partial<Job> = {}): Job {
  return { id: 'j', seq, created: '2026-01-01', state: 'running', log: '', ...more } as Job;
}

function printed(seq: number, text: string, step: string | null = 'a'): LogEvent {
  return { type: 'log', seq, id: 'j', step, stream: 'stdout', text };
}

test('older news don’t replace newer ones', () => {
  const book = new JobBook();
  expect(book.note(job(5, { state: 'succeeded' }))).toBe(true);
  expect(book.note(job(4))).toBe(false);
  expect(hasEnded(book.get('j')!)).toBe(true);
});

test('what the state has brought along is not added once more', () => {
  const book = new JobBook();
  book.note(job(5, { log: 'one\n' }));
  expect(book.hear(printed(4, 'one\n'))).toBe(false);
  expect(book.hear(printed(6, 'two\n'))).toBe(true);
  expect(book.hear(printed(7, 'three\n'))).toBe(true);
  expect(book.log('j')).toEqual([
    { step: null, text: 'one\n' },
    { step: 'a', text: 'two\nthree\n' }
  ]);
});

test('after a cut the log begins again with the next state', () => {
  const book = new JobBook();
  book.note(job(1));
  book.hear(printed(2, 'one\n'));
  book.miss();
  expect(book.hear(printed(9, 'three\n'))).toBe(false);
  book.note(job(9, { log: 'one\ntwo\nthree\n' }));
  expect(book.log('j')).toEqual([{ step: null, text: 'one\ntwo\nthree\n' }]);
});

test('the log does not grow without end', () => {
  const book = new JobBook();
  book.note(job(0));
  for (let seq = 1; seq < 400; seq++) {
    book.hear(printed(seq, `${'x'.repeat(999)}${seq % 10}`, seq % 2 ? 'a' : 'b'));
  }
  const text = book.log('j').map(part => part.text).join('');
  expect(text.length).toBeLessThanOrEqual(200_000);
  expect(text.endsWith('9')).toBe(true);
});

test('jobs are listed, the newest first', () => {
  const book = new JobBook();
  book.note(job(1, { id: 'old', created: '2026-01-01' }));
  book.note(job(2, { id: 'new', created: '2026-01-02' }));
  expect(book.jobs.map(({ id }) => id)).toEqual(['new', 'old']);
  book.forget('new');
  expect(book.jobs.map(({ id }) => id)).toEqual(['old']);
});
