import type { TranslationBundle } from '@jupyterlab/translation';
import type { IMark } from './marks';
import type { Kind } from './tags';

/** What a kind of cell is called. */
export function kindName(kind: Kind, trans: TranslationBundle): string {
  const names: Readonly<Record<Kind, string>> = {
    step: trans.__('step'),
    above: trans.__('continues the step above'),
    imports: trans.__('imports'),
    parameters: trans.__('parameters'),
    functions: trans.__('functions'),
    setup: trans.__('setup'),
    metrics: trans.__('metrics'),
    skip: trans.__('skip')
  };
  return names[kind];
}

/** What a kind of cell means, in a sentence. */
export function kindHelp(kind: Kind, trans: TranslationBundle): string {
  const helps: Readonly<Record<Kind, string>> = {
    step: trans.__('The cell starts or continues a step.'),
    above: trans.__('The cell belongs to the nearest step above it.'),
    imports: trans.__('Replayed in each step that needs a name from it.'),
    parameters: trans.__('Literal assignments are the parameters of the pipeline.'),
    functions: trans.__('Replayed in each step that needs a name from it.'),
    setup: trans.__('Replayed in each step that needs a name from it.'),
    metrics: trans.__('Numbers bound here are the metrics of a run; a step of its own.'),
    skip: trans.__('Not part of the pipeline.')
  };
  return helps[kind];
}

/** The name that a bar shows. */
export function markName(mark: IMark, trans: TranslationBundle): string {
  if (mark.step) {
    return mark.step;
  }
  return mark.kind === 'above' ? trans.__('no step yet') : kindName(mark.kind, trans);
}

/** `a, b → c`, or an empty text where nothing flows. */
export function flowOf(mark: IMark): string {
  if (mark.inputs.length === 0 && mark.outputs.length === 0) {
    return '';
  }
  return `${mark.inputs.join(', ')} → ${mark.outputs.join(', ')}`.trim();
}

/** All that is known of the cell's step, a line each. */
export function markDetails(mark: IMark, trans: TranslationBundle): string[] {
  const list = (names: readonly string[]): string => names.join(', ');
  const found = [mark.step ? trans.__('Step: %1', mark.step) : kindHelp(mark.kind, trans)];
  const add = (text: string, names: readonly string[]): void => {
    if (names.length > 0) {
      found.push(`${text} ${list(names)}`);
    }
  };
  add(trans.__('Inputs:'), mark.inputs);
  add(trans.__('Outputs:'), mark.outputs);
  add(trans.__('Changes in place:'), mark.mutates);
  add(trans.__('Shares:'), mark.hidden);
  add(trans.__('Waits for:'), mark.after);
  add(trans.__('Settings:'), mark.settings);
  if (mark.isMetrics) {
    found.push(trans.__('Its numbers are metrics of the run.'));
  }
  if (mark.proposal) {
    found.push(trans.__('Proposed: %1', mark.proposal));
  }
  return found;
}
