import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IStateDB } from '@jupyterlab/statedb';
import { Client } from './api/client';
import { EventStream } from './api/events';
import { Session } from './session';
import { ISession } from './tokens';

/** Makes what all parts of the extension share. */
export const servicePlugin: JupyterFrontEndPlugin<ISession> = {
  id: 'jupyter-mlops:service',
  description: 'Knows the current notebook as a pipeline, and the server that runs it.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [IStateDB],
  provides: ISession,
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker, state: IStateDB | null): ISession => {
    const settings = app.serviceManager.serverSettings;
    const session = new Session(new Client(settings), new EventStream(settings), tracker, state);
    void app.restored.then(async () => {
      session.events.start();
      // where the server's part is missing the panel says so; there is nothing to say before it is opened
      await session.loadJobs().catch(() => undefined);
    });
    return session;
  }
};
