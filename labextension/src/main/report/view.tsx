import { useEffect, useState } from 'react';
import { Problem } from '../../common/parts';
import { useServices } from '../../common/services';
import { wordsOf } from '../../panel/runs/format';
import type { IViewProps } from '../view';
import type { ReportArgs } from './command';

/** A run's report, in a frame in which nothing is executed. */
export default function ReportView({ args }: IViewProps<ReportArgs>): JSX.Element {
  const { session, trans } = useServices();
  const [page, setPage] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [turn, setTurn] = useState(0);
  const { run, path } = args;
  useEffect(() => {
    const asked = new AbortController();
    setError(null);
    session.client
      .text(`runs/${encodeURIComponent(run)}/report`, { path: path || null }, asked.signal)
      .then(setPage)
      .catch(problem => (asked.signal.aborted ? undefined : setError(problem as Error)));
    return () => asked.abort();
  }, [session, run, path, turn]);
  if (error) {
    return <Problem error={error} onRetry={() => setTurn(turn + 1)} trans={trans} />;
  }
  if (page === null) {
    return (
      <div className="jp-mlops-Loading jp-mod-text" role="status">
        {trans.__('Loading the report …')}
      </div>
    );
  }
  return (
    <iframe
      className="jp-mlops-Report"
      sandbox=""
      referrerPolicy="no-referrer"
      srcDoc={page}
      title={trans.__('Report of %1', wordsOf(run))}
    />
  );
}
