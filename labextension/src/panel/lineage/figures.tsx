import { ServerConnection } from '@jupyterlab/services';
import { useEffect, useState } from 'react';
import type { Client } from '../../api/client';
import type { Figure } from '../../api/types';
import { useAnswer } from '../../common/asking';
import { useServices } from '../../common/services';

const SHOWN = 6;

interface IProps {
  readonly run: string;
  /** Slug; figures of all steps where it is null. */
  readonly step: string | null;
  readonly path: string;
}

/** The first figures of a run or of one of its steps; nothing where there are none. */
export function Figures({ run, step, path }: IProps): JSX.Element | null {
  const { session, trans } = useServices();
  const answer = useAnswer(`${run} ${path}`, signal =>
    session.client.get<{ figures: Figure[] }>(`runs/${encodeURIComponent(run)}/figures`, { path }, signal)
  );
  const figures = answer.value?.figures.filter(one => step === null || one.step === step) ?? [];
  if (figures.length === 0) {
    return null;
  }
  return (
    <div className="jp-mlops-Pictures" aria-label={trans.__('Figures')} role="group">
      {figures.slice(0, SHOWN).map(one => (
        <FigureImage key={`${one.step} ${one.cell} ${one.number}`} run={run} digest={one.digest} name={one.name} path={path} />
      ))}
      {figures.length > SHOWN ? (
        <p className="jp-mlops-Hint">{trans.__('%1 more in the report', figures.length - SHOWN)}</p>
      ) : null}
    </div>
  );
}

/** A figure; its image is shown as an image, so that nothing in it can run. */
export function FigureImage({ run, digest, name, path }: Omit<IProps, 'step'> & { digest: string; name: string }): JSX.Element | null {
  const { session, trans } = useServices();
  const [source, setSource] = useState<string | null>(null);
  const [isMissing, setMissing] = useState(false);
  useEffect(() => {
    let made = '';
    let isGone = false;
    image(session.client, run, digest, path)
      .then(blob => {
        if (!isGone) {
          made = URL.createObjectURL(blob);
          setSource(made);
        }
      })
      .catch(() => setMissing(true));
    return () => {
      isGone = true;
      URL.revokeObjectURL(made);
    };
  }, [session, run, digest, path]);
  if (isMissing) {
    return <p className="jp-mlops-Hint">{trans.__('%1 can’t be shown.', name)}</p>;
  }
  return source ? <img src={source} alt={name} title={name} /> : null;
}

async function image(client: Client, run: string, digest: string, path: string): Promise<Blob> {
  const url = client.url(`runs/${encodeURIComponent(run)}/figures/${encodeURIComponent(digest)}`, { path });
  const response = await ServerConnection.makeRequest(url, {}, client.settings);
  if (!response.ok) {
    throw new ServerConnection.ResponseError(response);
  }
  return response.blob();
}
