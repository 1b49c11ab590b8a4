/**
 * Colours of steps and runs: the same wherever a step or run is shown. Each is legible on JupyterLab's light and dark
 * backgrounds as a bar or dot; text is never written in them.
 */
const STEPS = ['#5c6bc0', '#00897b', '#f4511e', '#8e24aa', '#3949ab', '#c0ca33', '#00acc1', '#d81b60', '#6d4c41', '#43a047'];
const RUNS = ['#f4511e', '#5c6bc0', '#00897b', '#ab47bc', '#fb8c00', '#00acc1', '#d81b60', '#7cb342', '#8d6e63', '#78909c'];

/** Of cells that belong to no step: imports, parameters, functions. */
export const SHARED = '#9e9e9e';

/** The colour of the step at a position of the pipeline. */
export function stepColour(position: number): string {
  return position < 0 ? SHARED : (STEPS[position % STEPS.length] ?? SHARED);
}

/** The colour of a run, which depends on its id alone. */
export function runColour(id: string): string {
  return RUNS[preferred(id)] ?? SHARED;
}

/**
 * Colours of runs that are looked at together: each has its own where it is free, and another where an earlier run has it.
 * The order in which they are named does not matter.
 */
export function runColours(ids: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const taken = new Set<number>();
  for (const id of [...new Set(ids)].sort()) {
    let at = preferred(id);
    for (let tries = 0; taken.has(at) && tries < RUNS.length; tries += 1) {
      at = (at + 1) % RUNS.length;
    }
    taken.add(at);
    found.set(id, RUNS[at] ?? SHARED);
  }
  return found;
}

function preferred(id: string): number {
  let sum = 0;
  for (const letter of id) {
    sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  }
  return sum % RUNS.length;
}
