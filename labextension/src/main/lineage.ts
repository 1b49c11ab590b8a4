import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { UUID, type ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Signal, type ISignal } from '@lumino/signaling';
import { createElement, lazy, Suspense } from 'react';
import { mlopsIcon } from '../common/icons';
import { questionFrom } from '../panel/lineage/trace';
import type { IServices } from '../panel/sidepanel';
import { Commands, ISession } from '../tokens';
import type { ILineageState } from './lineageview';

const View = lazy(() => import('./lineageview'));

/** The content of a tab that shows a lineage. */
export class LineageWidget extends ReactWidget {
  constructor(
    private readonly services: IServices,
    state: ILineageState
  ) {
    super();
    this.addClass('jp-mlops-LineageMain');
    this._state = state;
    this.title.icon = mlopsIcon;
    this.title.closable = true;
    this.name(state.what);
  }

  get state(): ILineageState {
    return this._state;
  }

  /** Emitted when it shows something else. */
  get stateChanged(): ISignal<this, ILineageState> {
    return this._stateChanged;
  }

  protected override render(): JSX.Element {
    const view = createElement(View, {
      services: this.services,
      state: this._state,
      onState: (state: ILineageState) => {
        this._state = state;
        this._stateChanged.emit(state);
        this.update();
      },
      onTitle: (title: string) => this.name(title)
    });
    return createElement(Suspense, { fallback: null }, view);
  }

  private name(what: string): void {
    const { trans } = this.services;
    this.title.label = trans.__('Lineage: %1', what);
    this.title.caption = trans.__('What made %1, and what used it', this._state.what);
  }

  private _state: ILineageState;
  private readonly _stateChanged = new Signal<this, ILineageState>(this);
}

/** Lineages in the main area. */
export const lineagePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:lineage',
  description: 'What made a run, artifact or model, and what used it, as a graph.',
  autoStart: true,
  requires: [ISession, IRenderMimeRegistry],
  optional: [ILayoutRestorer, IStateDB, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    session: ISession,
    rendermime: IRenderMimeRegistry,
    restorer: ILayoutRestorer | null,
    stateDB: IStateDB | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlops');
    const services: IServices = { app, session, rendermime, state: stateDB, trans };
    const tracker = new WidgetTracker<MainAreaWidget<LineageWidget>>({ namespace: 'jupyter-mlops-lineage' });
    app.commands.addCommand(Commands.openLineage, {
      label: trans.__('Show Lineage'),
      caption: trans.__('What made the latest run, and what used it'),
      execute: args => {
        const state = stateFrom(args, session.path);
        const open = tracker.find(({ content }) => content.state.what === state.what && content.state.path === state.path);
        if (open) {
          app.shell.activateById(open.id);
          return open;
        }
        const content = new LineageWidget(services, state);
        const widget = new MainAreaWidget({ content });
        // the layout is restored by this id
        widget.id = typeof args['id'] === 'string' ? args['id'] : `jupyter-mlops-lineage-${UUID.uuid4()}`;
        content.stateChanged.connect(() => void tracker.save(widget));
        app.shell.add(widget, 'main');
        void tracker.add(widget);
        app.shell.activateById(widget.id);
        return widget;
      }
    });
    void restorer?.restore(tracker, {
      command: Commands.openLineage,
      args: ({ id, content }) => ({ ...content.state, id }),
      name: ({ id }) => id
    });
    palette?.addItem({ command: Commands.openLineage, category: 'MLOps' });
  }
};

/** What is to be shown, of what a command was given or what was kept over a reload. */
export function stateFrom(args: ReadonlyPartialJSONObject, path: string): ILineageState {
  return {
    ...questionFrom(args),
    path: typeof args['path'] === 'string' ? args['path'] : path,
    reading: args['reading'] === 'down' || args['reading'] === 'right' ? args['reading'] : null
  };
}
