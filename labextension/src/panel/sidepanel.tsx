import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Suspense, lazy } from 'react';
import type { Session } from '../session';
import type { TabName } from '../tokens';
import { mlopsIcon } from '../common/icons';

const Panel = lazy(() => import('./panel'));
const STATE = 'jupyter-mlops:tab';

/** What every view of the extension is given. */
export interface IServices {
  readonly app: JupyterFrontEnd;
  readonly session: Session;
  readonly rendermime: IRenderMimeRegistry;
  readonly state: IStateDB | null;
  readonly trans: TranslationBundle;
}

/** The panel in the left area; its content is imported when it is first shown. */
export class SidePanel extends ReactWidget {
  constructor(private readonly services: IServices) {
    super();
    this.id = 'jupyter-mlops-panel';
    this.addClass('jp-mlops-Panel');
    this.title.icon = mlopsIcon;
    this.title.caption = 'MLOps';
    this.node.setAttribute('aria-label', 'MLOps');
    this.node.setAttribute('role', 'region');
    void services.state?.fetch(STATE).then(tab => {
      if (typeof tab === 'string') {
        this._tab = tab as TabName;
        this.update();
      }
    });
  }

  get tab(): TabName {
    return this._tab;
  }

  set tab(tab: TabName) {
    this._tab = tab;
    void this.services.state?.save(STATE, tab);
    this.update();
  }

  protected override onAfterShow(): void {
    this._wasShown = true;
    this.update();
  }

  protected override render(): JSX.Element | null {
    if (!this._wasShown) {
      return null;
    }
    return (
      <Suspense fallback={<div className="jp-mlops-Loading" role="status" />}>
        <Panel services={this.services} tab={this._tab} onTab={tab => (this.tab = tab)} />
      </Suspense>
    );
  }

  private _tab: TabName = 'pipeline';
  private _wasShown = false;
}
