import type { ILayoutRestorer } from '@jupyterlab/application';
import { lazy } from 'react';
import { shortNames } from '../../panel/runs/format';
import type { IServices } from '../../panel/sidepanel';
import { Commands } from '../../tokens';
import { textOf, textsOf } from '../arguments';
import { addView } from '../view';

/** Which runs are compared. */
export type CompareArgs = {
  readonly runs: readonly string[];
  readonly baseline: string;
  /** Of a notebook or folder of the runs' project. */
  readonly path: string;
  /** Also what is equal. */
  readonly all: boolean;
};

/** Add the command that opens a comparison. */
export function addCompare(services: IServices, restorer: ILayoutRestorer | null): void {
  const { session, trans } = services;
  addView<CompareArgs>(services, restorer, {
    name: 'jupyter-mlops-compare',
    command: Commands.openCompare,
    label: trans.__('MLOps: Compare Runs'),
    view: lazy(() => import('./view')),
    read: args => {
      const runs = textsOf(args, 'runs');
      const first = runs[0];
      if (first === undefined) {
        return null;
      }
      const baseline = textOf(args, 'baseline');
      return {
        runs,
        baseline: runs.includes(baseline) ? baseline : first,
        path: textOf(args, 'path') || session.path,
        all: args['all'] === true
      };
    },
    key: args => [...args.runs].sort().join(' '),
    title: args => {
      const names = [...shortNames(args.runs).values()];
      return names.length > 3
        ? trans.__('Compare %1 runs', names.length)
        : trans.__('Compare: %1', names.join(' · '));
    }
  });
}
