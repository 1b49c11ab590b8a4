import type { MetricValue, RunStatus } from '../../api/types';

/** The words of a run's id, which people use: `20260131-235959-brisk-otter-1f3c` is `brisk-otter`. */
export function wordsOf(id: string): string {
  return /^\d{8}-\d{6}-(.+)-[0-9a-f]{4,}$/.exec(id)?.[1] ?? id;
}

/** A short name for each run; those with the same words get the end of their id besides. */
export function shortNames(ids: readonly string[]): ReadonlyMap<string, string> {
  const count = new Map<string, number>();
  for (const id of new Set(ids)) {
    const words = wordsOf(id);
    count.set(words, (count.get(words) ?? 0) + 1);
  }
  return new Map(ids.map(id => [id, count.get(wordsOf(id)) === 1 ? wordsOf(id) : `${wordsOf(id)} ${id.slice(-4)}`]));
}

/** Four digits that count; whole numbers in full. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    return String(value);
  }
  const size = Math.abs(value);
  return size >= 1e6 || size < 1e-4 ? value.toExponential(3).replace(/\.?0+e/, 'e') : String(Number(value.toPrecision(4)));
}

export function formatMetric(value: MetricValue | null | undefined): string {
  if (value === null || value === undefined) {
    return '';
  }
  return typeof value === 'number' ? formatNumber(value) : value.replace('Infinity', '∞');
}

/** A parameter's value as Python would show it, in short. */
export function formatValue(value: unknown): string {
  if (value === undefined) {
    return '';
  }
  if (value === null) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  if (typeof value === 'number') {
    return formatNumber(value);
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function formatSeconds(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) {
    return '';
  }
  if (seconds < 10) {
    return `${seconds.toFixed(1)} s`;
  }
  if (seconds < 60) {
    return `${Math.round(seconds)} s`;
  }
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) {
    return seconds < 600 ? `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s` : `${minutes} min`;
  }
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.round(minutes / 1440)} d`;
}

/** The shortest that tells when: the time of today, the day of this year, the date. */
export function formatTime(text: string | null | undefined, now: Date = new Date()): string {
  const time = text ? new Date(text) : null;
  if (!time || Number.isNaN(time.getTime())) {
    return '';
  }
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}`;
  if (time.toDateString() === now.toDateString()) {
    return clock;
  }
  const day = `${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return time.getFullYear() === now.getFullYear() ? `${day} ${clock}` : `${time.getFullYear()}-${day}`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [value, at] = [bytes, 0];
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${at === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ${units[at] ?? ''}`;
}

const SIGNS: Readonly<Record<RunStatus, string>> = {
  queued: '○',
  running: '●',
  succeeded: '✓',
  reused: '↻',
  failed: '✕',
  skipped: '–',
  cancelled: '⊘'
};

export function signOf(status: RunStatus): string {
  return SIGNS[status] ?? '?';
}

/** Whether a run goes on. */
export function isGoing(status: RunStatus): boolean {
  return status === 'queued' || status === 'running';
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
