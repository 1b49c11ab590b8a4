import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { Commands, ISession } from '../tokens';
import { goToCell } from './going';

/** What the extension does inside notebooks. */
export const notebookPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:notebook',
  description: 'Shows at each cell which step it belongs to.',
  autoStart: true,
  requires: [ISession, INotebookTracker],
  activate: (app: JupyterFrontEnd, _session: ISession, tracker: INotebookTracker): void => {
    app.commands.addCommand(Commands.goToCell, {
      label: 'Go to the Cell',
      execute: args => goToCell(app, tracker, args['cell'] as string, args['line'] as number | undefined)
    });
  }
};
