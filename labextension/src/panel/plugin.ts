import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Commands, ISession, type TabName } from '../tokens';
import { SidePanel } from './sidepanel';

/** The side panel. */
export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:panel',
  description: 'The side panel: pipeline, runs, lineage, models.',
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
    const panel = new SidePanel({ app, session, rendermime, state, trans });
    restorer?.add(panel, panel.id);
    app.shell.add(panel, 'left', { rank: 650, type: 'MLOps' });
    app.commands.addCommand(Commands.showPanel, {
      label: trans.__('MLOps: Show Panel'),
      execute: args => {
        const tab = args['tab'] as TabName | undefined;
        if (tab) {
          panel.tab = tab;
        }
        app.shell.activateById(panel.id);
      }
    });
  }
};
