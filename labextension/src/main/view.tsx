import type { ILayoutRestorer } from '@jupyterlab/application';
import { MainAreaWidget, ReactWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { ReadonlyJSONObject, ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Suspense, type ComponentType, type LazyExoticComponent } from 'react';
import { mlopsIcon } from '../common/icons';
import { ServicesProvider } from '../common/services';
import type { IServices } from '../panel/sidepanel';

/** What a view of the main area is given. */
export interface IViewProps<Args extends ReadonlyJSONObject> {
  readonly args: Args;
  /** Show something else in the same tab; it is what a reload brings back. */
  readonly onArgs: (args: Args) => void;
  /** The tab's title. */
  readonly onTitle: (title: string) => void;
}

/** A kind of view in the main area. */
export interface IViewKind<Args extends ReadonlyJSONObject> {
  /** Of the tracker and of the widgets' ids. */
  readonly name: string;
  readonly command: string;
  readonly label: string;
  /** Imported when it is first shown. */
  readonly view: LazyExoticComponent<ComponentType<IViewProps<Args>>>;
  /** What a command's arguments mean; null where they mean nothing. */
  readonly read: (args: ReadonlyPartialJSONObject) => Args | null;
  /** Tabs of the same key are one. */
  readonly key: (args: Args) => string;
  readonly title: (args: Args) => string;
}

/** The content of a tab in the main area. */
class View<Args extends ReadonlyJSONObject> extends ReactWidget {
  constructor(
    private readonly services: IServices,
    private readonly kind: IViewKind<Args>,
    private _args: Args,
    private readonly onChange: () => void
  ) {
    super();
    this.addClass('jp-mlops-Main');
    this.title.icon = mlopsIcon;
    this.title.label = kind.title(_args);
    this.title.caption = kind.title(_args);
    this.title.closable = true;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', kind.title(_args));
  }

  get args(): Args {
    return this._args;
  }

  protected override render(): JSX.Element {
    const Content = this.kind.view;
    return (
      <ServicesProvider value={this.services}>
        <Suspense fallback={<div className="jp-mlops-Loading" role="status" />}>
          <Content args={this._args} onArgs={this.onArgs} onTitle={this.onTitle} />
        </Suspense>
      </ServicesProvider>
    );
  }

  private readonly onArgs = (args: Args): void => {
    this._args = args;
    this.onTitle(this.kind.title(args));
    this.onChange();
    this.update();
  };

  private readonly onTitle = (title: string): void => {
    this.title.label = title;
    this.title.caption = title;
    this.node.setAttribute('aria-label', title);
  };
}

/** Add the command that opens a kind of view; what is open is there again after a reload. */
export function addView<Args extends ReadonlyJSONObject>(
  services: IServices,
  restorer: ILayoutRestorer | null,
  kind: IViewKind<Args>
): void {
  const { app } = services;
  const tracker = new WidgetTracker<MainAreaWidget<View<Args>>>({ namespace: kind.name });
  app.commands.addCommand(kind.command, {
    label: kind.label,
    isVisible: () => false,
    execute: given => {
      const args = kind.read(given);
      if (!args) {
        return;
      }
      const found = tracker.find(widget => kind.key(widget.content.args) === kind.key(args));
      const widget = found ?? open(services, kind, args, tracker);
      app.shell.activateById(widget.id);
    }
  });
  if (restorer) {
    void restorer.restore(tracker, {
      command: kind.command,
      args: widget => widget.content.args,
      name: widget => kind.key(widget.content.args)
    });
  }
}

let count = 0;

function open<Args extends ReadonlyJSONObject>(
  services: IServices,
  kind: IViewKind<Args>,
  args: Args,
  tracker: WidgetTracker<MainAreaWidget<View<Args>>>
): MainAreaWidget<View<Args>> {
  const content = new View(services, kind, args, () => void tracker.save(widget));
  const widget = new MainAreaWidget({ content });
  widget.id = `${kind.name}-${(count += 1)}`;
  widget.title.closable = true;
  services.app.shell.add(widget, 'main', { type: 'MLOps' });
  void tracker.add(widget);
  return widget;
}
