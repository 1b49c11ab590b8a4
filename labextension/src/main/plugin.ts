import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISession } from '../tokens';

/** What needs more room than the side panel has: comparisons, lineage, reports. */
export const viewsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:views',
  description: 'Comparisons, lineage and reports in the main area.',
  autoStart: true,
  requires: [ISession],
  activate: (_app: JupyterFrontEnd, _session: ISession): void => undefined
};
