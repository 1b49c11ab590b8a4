import { Token } from '@lumino/coreutils';
import type { Session } from './session';

/** What all parts of the extension share. */
export type ISession = Session;

export const ISession = new Token<ISession>(
  'jupyter-mlops:ISession',
  'The current notebook as a pipeline, and the server that runs it.'
);

/** Commands that the parts of the extension call of each other; each opens something for what it is given. */
export const Commands = {
  /** Show the side panel; argument `tab`: pipeline, runs, lineage or models. */
  showPanel: 'jupyter-mlops:show-panel',
  /** Show a cell of the current notebook; argument `cell`: its id; `line`: optional, from 1. */
  goToCell: 'jupyter-mlops:go-to-cell',
  /** Open the comparison of runs in the main area; arguments `runs`: ids, `baseline`: optional id. */
  openCompare: 'jupyter-mlops:open-compare',
  /** Open a lineage in the main area; argument `what`: as for the command line. */
  openLineage: 'jupyter-mlops:open-lineage',
  /** Open a run's report in the main area; argument `run`: its id. */
  openReport: 'jupyter-mlops:open-report',
  /** Preview and apply the proposed tags of an untagged notebook. */
  suggestSteps: 'jupyter-mlops:suggest-steps',
  /** Put the inputs of a step of a run into the notebook's kernel; arguments `run`, and `step` or `artifact`. */
  loadIntoKernel: 'jupyter-mlops:load-into-kernel'
} as const;

/** The tabs of the side panel. */
export type TabName = 'pipeline' | 'runs' | 'lineage' | 'models';
