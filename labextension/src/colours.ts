/**
 * Colours of steps and runs: the same wherever a step or run is shown. Each is legible on JupyterLab's light and dark
 * backgrounds as a bar or dot; text is never written in them.
 */
const STEPS = ['#5c6bc0', '#00897b', '#f4511e', '#8e24aa', '#3949ab', '#c0ca33', '#00acc1', '#d81b60', '#6d4c41', '#43a047'];
const RUNS = ['#f4511e', '#3949ab', '#00897b', '#8e24aa', '#fb8c00', '#00acc1', '#d81b60', '#7cb342', '#6d4c41', '#546e7a'];

/** Of cells that belong to no step: imports, parameters, functions. */
export const SHARED = '#9e9e9e';

/** The colour of the step at a position of the pipeline. */
export function stepColour(position: number): string {
  return position < 0 ? SHARED : (STEPS[position % STEPS.length] ?? SHARED);
}

/** The colour of a run, which depends on its id alone. */
export function runColour(id: string): string {
  let sum = 0;
  for (const letter of id) {
    sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  }
  return RUNS[sum % RUNS.length] ?? SHARED;
}
