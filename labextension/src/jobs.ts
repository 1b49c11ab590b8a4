import type { Job, LogEvent } from './api/types';

/** A piece of what a job printed. */
export interface ILogPart {
  /** Slug of the step that printed it; null where that is not known. */
  readonly step: string | null;
  readonly text: string;
}

/** Characters of a job's log that are kept; the whole of it is on the server. */
const MOST = 200_000;
const ENDED: readonly Job['state'][] = ['succeeded', 'failed', 'cancelled', 'lost'];

/** Whether a job will not change any more. */
export function hasEnded(job: Job): boolean {
  return ENDED.includes(job.state);
}

/** The jobs that are known, and what they print. */
export class JobBook {
  /** All jobs, the newest first. */
  get jobs(): readonly Job[] {
    return [...this._jobs.values()].sort((one, other) => (one.created < other.created ? 1 : -1));
  }

  get(id: string): Job | undefined {
    return this._jobs.get(id);
  }

  /** Take notice of how a job stands; false for news that are older than what is known. */
  note(job: Job): boolean {
    const known = this._jobs.get(job.id);
    if (known && known.seq > job.seq) {
      return false;
    }
    this._jobs.set(job.id, job);
    if (!this._logs.has(job.id)) {
      const parts = job.log ? [{ step: null, text: job.log }] : [];
      this._logs.set(job.id, { since: job.seq, parts, size: job.log.length });
    }
    return true;
  }

  /** Add what a job printed; what its state has brought along already is left out. */
  hear(event: LogEvent): boolean {
    const log = this._logs.get(event.id);
    if (!log || event.seq <= log.since) {
      return false;
    }
    const last = log.parts[log.parts.length - 1];
    const parts =
      last && last.step === event.step
        ? [...log.parts.slice(0, -1), { step: event.step, text: last.text + event.text }]
        : [...log.parts, { step: event.step, text: event.text }];
    this._logs.set(event.id, shortened({ since: event.seq, parts, size: log.size + event.text.length }));
    return true;
  }

  /** What a job has printed, as far as it is kept here. */
  log(id: string): readonly ILogPart[] {
    return this._logs.get(id)?.parts ?? [];
  }

  forget(id: string): void {
    this._jobs.delete(id);
    this._logs.delete(id);
  }

  /** Some of what was printed may not have been heard: begin again with what the next states bring along. */
  miss(): void {
    this._logs.clear();
  }

  private readonly _jobs = new Map<string, Job>();
  private readonly _logs = new Map<string, ILog>();
}

interface ILog {
  readonly since: number;
  readonly parts: readonly ILogPart[];
  readonly size: number;
}

function shortened(log: ILog): ILog {
  if (log.size <= MOST) {
    return log;
  }
  const parts = [...log.parts];
  let size = log.size;
  while (size > MOST / 2 && parts.length > 0) {
    const first = parts[0] as ILogPart;
    const cut = Math.min(first.text.length, size - MOST / 2);
    size -= cut;
    if (cut === first.text.length) {
      parts.shift();
    } else {
      parts[0] = { ...first, text: first.text.slice(cut) };
    }
  }
  return { ...log, parts, size };
}
