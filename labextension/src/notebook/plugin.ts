import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ISession } from '../tokens';
import { NotebookBars, type IBarSettings } from './bars';
import { PALETTE, addCommands } from './commands';
import { PipelineStatus } from './status';

const ID = 'jupyter-mlops:notebook';

/** What the extension does inside notebooks. */
export const notebookPlugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Shows at each cell which step it belongs to.',
  autoStart: true,
  requires: [ISession, INotebookTracker],
  optional: [ISettingRegistry, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    session: ISession,
    tracker: INotebookTracker,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlops');
    const all = new Map<NotebookPanel, NotebookBars>();
    let settings: IBarSettings = { showBars: true, showProblems: true };
    let loaded: ISettingRegistry.ISettings | null = null;

    const use = (changed: IBarSettings): void => {
      settings = changed;
      all.forEach(bars => (bars.settings = changed));
    };
    const follow = (panel: NotebookPanel): void => {
      const bars = new NotebookBars(panel, session, trans, settings);
      all.set(panel, bars);
      panel.disposed.connect(() => all.delete(panel));
      const status = new PipelineStatus(bars, session, app.commands);
      if (!panel.toolbar.insertBefore('kernelName', 'mlops-status', status)) {
        panel.toolbar.addItem('mlops-status', status);
      }
    };
    tracker.forEach(follow);
    tracker.widgetAdded.connect((_, panel) => follow(panel));

    void registry
      ?.load(ID)
      .then(found => {
        loaded = found;
        const read = (): void => {
          const said = found.composite as Partial<IBarSettings>;
          use({ showBars: said.showBars ?? true, showProblems: said.showProblems ?? true });
        };
        found.changed.connect(read);
        read();
      })
      .catch((error: unknown) => console.warn('jupyter-mlops: settings could not be read', error));

    addCommands({
      app,
      session,
      tracker,
      trans,
      bars: () => (tracker.currentWidget ? (all.get(tracker.currentWidget) ?? null) : null),
      showsBars: () => settings.showBars,
      toggleBars: async () => {
        use({ ...settings, showBars: !settings.showBars });
        await loaded?.set('showBars', settings.showBars);
      }
    });
    PALETTE.forEach(([command, args]) => palette?.addItem({ command, args, category: 'MLOps' }));
  }
};
