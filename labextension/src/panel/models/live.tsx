import { Poll } from '@lumino/polling';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { LiveNumbers, LiveVersion } from '../../api/types';
import { useServices } from '../../common/services';
import { VegaChart } from '../../common/vega';
import { numberText } from '../lineage/words';
import { driftBars, latencyText, sampled, sparkline, type ISample } from './numbers';

const SECONDS = 5;
const FEATURES = 6;

/** What comes in at a deployment now: requests, latency, errors, drift. */
export function Live({ name, path }: { readonly name: string; readonly path: string }): JSX.Element | null {
  const { session, trans } = useServices();
  const [numbers, setNumbers] = useState<LiveNumbers | null>(null);
  const [samples, setSamples] = useState<readonly ISample[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const poll = new Poll({
      name: `jupyter-mlops live ${name}`,
      frequency: { interval: SECONDS * 1000, backoff: true, max: 60_000 },
      standby: () => document.hidden || place.current?.offsetParent === null,
      factory: async () => {
        try {
          const found = await session.client.get<LiveNumbers>(`deployments/${encodeURIComponent(name)}/live`, { path });
          setNumbers(found);
          setSamples(before => sampled(before, found, Date.now()));
          setTrouble(null);
        } catch (error) {
          setTrouble(error instanceof Error ? error.message : String(error));
          throw error;
        }
      }
    });
    return () => poll.dispose();
  }, [session, name, path]);
  const line = useMemo(() => sparkline(samples, trans.__('requests a second')), [samples, trans]);
  return (
    <div className="jp-mlops-Live" ref={place}>
      {trouble ? <p className="jp-mlops-Hint">{trouble}</p> : null}
      {numbers && samples.length > 1 ? (
        <VegaChart spec={line} label={trans.__('Requests a second')} className="jp-mlops-Spark" />
      ) : null}
      {numbers?.versions.map(one => <VersionNumbers key={one.version} numbers={one} />)}
    </div>
  );
}

function VersionNumbers({ numbers }: { readonly numbers: LiveVersion }): JSX.Element {
  const { trans } = useServices();
  const { version, rate, p99, failures, drift } = numbers;
  const bars = useMemo(() => driftBars(drift.features, FEATURES), [drift]);
  const drifted = drift.features.filter(one => one.level !== 'ok');
  const shares = `${shown(failures * 100)} %`;
  return (
    <>
      <p className="jp-mlops-Hint">
        {trans.__('v%1: %2 requests/s · p99 %3 · %4 failed', version, shown(rate), latencyText(p99), shares)}
      </p>
      {drifted.length > 0 ? (
        <p className="jp-mlops-Drift" role="status">
          {trans.__('Drift: %1', drifted.map(one => `${one.name} ${numberText(one.score)}`).join(', '))}
        </p>
      ) : null}
      {drift.reason ? <p className="jp-mlops-Hint">{drift.reason}</p> : null}
      {drift.features.length > 0 ? (
        <VegaChart spec={bars} label={trans.__('Drift of the inputs of v%1', version)} className="jp-mlops-Spark" />
      ) : null}
    </>
  );
}

function shown(value: number): string {
  return String(Number(value.toPrecision(3)));
}
