import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Run, RunChanged, RunMarks, RunPage } from '../../api/types';
import { isGoing } from './format';

/** Runs that one request brings. */
export const PAGE = 50;
/** Pages that are kept: what is far from what is looked at is forgotten, so that memory does not grow. */
const KEPT = 12;

/** Asks the server for a page, counted from 1. */
export type Ask = (page: number, signal: AbortSignal) => Promise<RunPage>;

interface IHeld {
  readonly runs: readonly Run[];
  readonly marks: RunPage['marks'];
  readonly generation: number;
}

/**
 * The list of runs as far as it is looked at: pages come when they are scrolled to, and again when the store has changed.
 * What is shown stays until all that replaces it is there.
 */
export class RunsModel implements IDisposable {
  /** Emitted when rows, their number, or the problem changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted with the number of rows by which what is looked at has moved down. */
  get moved(): ISignal<this, number> {
    return this._moved;
  }

  get total(): number {
    return this._head?.total ?? 0;
  }

  get columns(): RunPage['columns'] | null {
    return this._head?.columns ?? null;
  }

  /** Runs whose models are in production. */
  get pinned(): readonly Run[] {
    return this._head?.pinned ?? [];
  }

  get notes(): readonly string[] {
    return this._head?.notes ?? [];
  }

  /** Whether an answer to the present question was ever there. */
  get isLoaded(): boolean {
    return this._head !== null;
  }

  get isBusy(): boolean {
    return this._isBusy;
  }

  /** Why the newest request failed; the rows are those before it. */
  get error(): Error | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Pages held now. */
  get held(): number {
    return this._pages.size;
  }

  runAt(index: number): Run | undefined {
    return this._pages.get(pageOf(index))?.runs[index % PAGE];
  }

  marksOf(id: string): RunMarks | undefined {
    for (const page of this._pages.values()) {
      const found = page.marks[id];
      if (found) {
        return found;
      }
    }
    return this._head?.marks[id];
  }

  /** Whether one of those in sight goes on. */
  get anyGoing(): boolean {
    for (let at = this._range[0]; at <= this._range[1]; at += 1) {
      const run = this.runAt(at);
      if (run && isGoing(run.status)) {
        return true;
      }
    }
    return false;
  }

  /** Where a run stands, of those that are here; -1 if it is not. */
  indexOf(id: string): number {
    for (const [number, page] of this._pages) {
      const at = page.runs.findIndex(run => run.run_id === id);
      if (at >= 0) {
        return (number - 1) * PAGE + at;
      }
    }
    return -1;
  }

  find(id: string): Run | undefined {
    for (const page of this._pages.values()) {
      const found = page.runs.find(run => run.run_id === id);
      if (found) {
        return found;
      }
    }
    return this.pinned.find(run => run.run_id === id);
  }

  /** Ask something, or the same anew; what is shown stays until the answer is there. */
  ask(what: string, question: Ask): void {
    this._ask = question;
    if (what === this._what) {
      this.refresh();
      return;
    }
    this._what = what;
    this._question += 1;
    this._asked?.abort();
    this._range = [0, 0];
    void this.load();
  }

  /** The rows that are looked at. */
  show(first: number, last: number): void {
    this._range = [first, Math.max(first, last)];
    if (!this._error) {
      void this.load();
    }
  }

  /** The store has changed. */
  refresh(): void {
    this._generation += 1;
    this._error = null;
    void this.load();
  }

  /** A run's tags or note have changed. */
  note(change: RunChanged): void {
    const mend = (run: Run): Run =>
      run.run_id === change.run_id ? { ...run, tags: change.tags, note: change.note } : run;
    for (const [number, page] of this._pages) {
      this._pages.set(number, { ...page, runs: page.runs.map(mend) });
    }
    if (this._head) {
      this._head = { ...this._head, pinned: this._head.pinned.map(mend) };
    }
    this._changed.emit();
  }

  dispose(): void {
    this._isDisposed = true;
    this._asked?.abort();
    this._pages.clear();
    Signal.clearData(this);
  }

  private async load(): Promise<void> {
    const isNew = this._question !== this._answered;
    const isDone = !isNew && (this._isBusy || !this.missing().length);
    if (!this._ask || this._isDisposed || isDone) {
      return;
    }
    const turn = (this._turn += 1);
    this._isBusy = true;
    this._changed.emit();
    try {
      while (turn === this._turn && !this._isDisposed && (await this.step(this._ask))) {
        // each turn brings what is looked at by then
      }
    } catch (error) {
      if (turn === this._turn && !this._isDisposed) {
        this._error = error instanceof Error ? error : new Error(String(error));
        this._answered = this._question;
      }
    }
    if (turn === this._turn && !this._isDisposed) {
      this._isBusy = false;
      this._changed.emit();
    }
  }

  /** Bring what is missing; returns whether something was. */
  private async step(ask: Ask): Promise<boolean> {
    const isNew = this._question !== this._answered;
    const [question, generation] = [this._question, this._generation];
    const wanted = isNew ? [1] : this.missing();
    if (!wanted.length) {
      return false;
    }
    const asked = (this._asked = new AbortController());
    const pages = await Promise.all(wanted.map(page => ask(page, asked.signal)));
    if (question === this._question && !this._isDisposed) {
      this.take(pages, generation, isNew);
    }
    return true;
  }

  private missing(): number[] {
    const total = this._head?.total ?? Infinity;
    const last = Math.max(0, Math.min(this._range[1], total - 1));
    const found: number[] = [];
    for (let page = pageOf(Math.min(this._range[0], last)); page <= pageOf(last); page += 1) {
      if (this._pages.get(page)?.generation !== this._generation) {
        found.push(page);
      }
    }
    return found;
  }

  private take(pages: readonly RunPage[], generation: number, isNew: boolean): void {
    const first = pages[0];
    if (!first) {
      return;
    }
    const anchor = isNew ? undefined : this.runAt(this._range[0])?.run_id;
    const isFresh = isNew || generation !== this._shown;
    if (isNew) {
      this._pages.clear();
    }
    if (isFresh) {
      // other pages are of an older state of the store
      const fresh = new Set(pages.map(page => page.page));
      [...this._pages.keys()].filter(page => !fresh.has(page)).forEach(page => this._pages.delete(page));
    }
    for (const page of pages) {
      this._pages.set(page.page, { runs: page.runs, marks: page.marks, generation });
    }
    this._head = first;
    this._answered = this._question;
    this._shown = generation;
    this._error = null;
    this.forget();
    this._changed.emit();
    if (anchor !== undefined && this._range[0] > 0) {
      this.follow(anchor);
    }
  }

  /** Tell by how much the run that was looked at first has moved. */
  private follow(anchor: string): void {
    const at = this.indexOf(anchor);
    if (at >= 0 && at !== this._range[0]) {
      this._moved.emit(at - this._range[0]);
    }
  }

  private forget(): void {
    const middle = pageOf(this._range[0]);
    const byDistance = [...this._pages.keys()].sort((one, other) => Math.abs(one - middle) - Math.abs(other - middle));
    byDistance.slice(KEPT).forEach(page => this._pages.delete(page));
  }

  private _ask: Ask | null = null;
  private _asked: AbortController | null = null;
  private _what: string | null = null;
  private _question = 0;
  private _answered = 0;
  private _generation = 0;
  private _shown = 0;
  private _turn = 0;
  private _range: readonly [number, number] = [0, 0];
  private _head: RunPage | null = null;
  private _error: Error | null = null;
  private _isBusy = false;
  private _isDisposed = false;
  private readonly _pages = new Map<number, IHeld>();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _moved = new Signal<this, number>(this);
}

function pageOf(index: number): number {
  return Math.floor(index / PAGE) + 1;
}
