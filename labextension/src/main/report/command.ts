import type { ILayoutRestorer } from '@jupyterlab/application';
import { lazy } from 'react';
import { wordsOf } from '../../panel/runs/format';
import type { IServices } from '../../panel/sidepanel';
import { Commands } from '../../tokens';
import { textOf } from '../arguments';
import { addView } from '../view';

/** Which report is shown. */
export type ReportArgs = {
  readonly run: string;
  /** Of a notebook or folder of the run's project. */
  readonly path: string;
};

/** Add the command that opens a run's report. */
export function addReport(services: IServices, restorer: ILayoutRestorer | null): void {
  const { session, trans } = services;
  addView<ReportArgs>(services, restorer, {
    name: 'jupyter-mlops-report',
    command: Commands.openReport,
    label: trans.__('MLOps: Open the Report of a Run'),
    view: lazy(() => import('./view')),
    read: args => {
      const run = textOf(args, 'run');
      return run ? { run, path: textOf(args, 'path') || session.path } : null;
    },
    key: args => args.run,
    title: args => trans.__('Report: %1', wordsOf(args.run))
  });
}
