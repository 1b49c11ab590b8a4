import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ISession } from '../tokens';
import { addCompare } from './compare/command';
import { addReport } from './report/command';

/** What needs more room than the side panel has: comparisons, lineage, reports. */
export const viewsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:views',
  description: 'Comparisons, lineage and reports in the main area.',
  autoStart: true,
  requires: [ISession, IRenderMimeRegistry],
  optional: [ILayoutRestorer, IStateDB, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    session: ISession,
    rendermime: IRenderMimeRegistry,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlops');
    const services = { app, session, rendermime, state, trans };
    addCompare(services, restorer);
    addReport(services, restorer);
  }
};
