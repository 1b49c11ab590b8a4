const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** A size as people write it. */
export function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${UNITS[unit]}`;
}

/** A duration as people write it. */
export function secondsText(seconds: number): string {
  if (seconds < 60) {
    return `${seconds < 10 ? seconds.toFixed(seconds < 1 ? 2 : 1) : Math.round(seconds)} s`;
  }
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What people call a run: its words, with its last characters where there are several of them. */
export function shortRun(id: string): string {
  return /^\d{8}-\d{6}-(.+)$/.exec(id)?.[1] ?? id;
}

/** A number of a metric: enough digits to tell runs apart. */
export function numberText(value: number | string): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(6))) : value;
}
