import { Suspense, lazy, type ComponentType } from 'react';
import { ServicesProvider } from '../common/services';
import type { TabName } from '../tokens';
import type { IServices } from './sidepanel';

const VIEWS: Readonly<Record<TabName, ComponentType>> = {
  pipeline: lazy(() => import('./pipeline/tab')),
  runs: lazy(() => import('./runs/tab')),
  lineage: lazy(() => import('./lineage/tab')),
  models: lazy(() => import('./models/tab'))
};

interface IProps {
  readonly services: IServices;
  readonly tab: TabName;
  readonly onTab: (tab: TabName) => void;
}

/** The four tabs, and the view of the chosen one. */
export default function Panel({ services, tab, onTab }: IProps): JSX.Element {
  const { trans } = services;
  const tabs: readonly (readonly [TabName, string])[] = [
    ['pipeline', trans.__('Pipeline')],
    ['runs', trans.__('Runs')],
    ['lineage', trans.__('Lineage')],
    ['models', trans.__('Models')]
  ];
  const move = (event: React.KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1 };
    const step = steps[event.key];
    if (step === undefined) {
      return;
    }
    event.preventDefault();
    const at = tabs.findIndex(([name]) => name === tab);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (next) {
      onTab(next[0]);
      document.getElementById(`jp-mlops-tab-${next[0]}`)?.focus();
    }
  };
  const View = VIEWS[tab];
  return (
    <ServicesProvider value={services}>
      <div className="jp-mlops-Tabs" role="tablist" aria-label="MLOps" onKeyDown={move}>
        {tabs.map(([name, label]) => (
          <button
            key={name}
            id={`jp-mlops-tab-${name}`}
            className="jp-mlops-Tab"
            role="tab"
            aria-selected={name === tab}
            aria-controls="jp-mlops-view"
            tabIndex={name === tab ? 0 : -1}
            onClick={() => onTab(name)}
          >
            {label}
          </button>
        ))}
      </div>
      <div id="jp-mlops-view" className="jp-mlops-View" role="tabpanel" aria-labelledby={`jp-mlops-tab-${tab}`}>
        <Suspense fallback={<div className="jp-mlops-Loading" role="status" />}>
          <View />
        </Suspense>
      </div>
    </ServicesProvider>
  );
}
