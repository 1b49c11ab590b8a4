import { useEffect, useMemo, useRef } from 'react';
import type { Lineage } from '../../api/types';
import { useAnswer, type IAnswer } from '../../common/asking';
import type { Session } from '../../session';
import type { IQuestion } from './trace';

/** The lineage that answers a question; asked again when the newest run or the models are others. */
export function useLineage(session: Session, path: string, question: IQuestion | null): IAnswer<Lineage> {
  const query = useMemo(() => {
    const { what, direction, depth } = question ?? { what: '', direction: 'both', depth: null };
    return { what, direction, path, ...(depth === null ? {} : { depth }) };
  }, [question, path]);
  const answer = useAnswer(question ? JSON.stringify(query) : null, signal =>
    session.client.get<Lineage>('lineage', query, signal)
  );
  useStoreEvents(session, { runs: query.what.startsWith('latest'), models: true }, answer.again);
  return answer;
}

/** Call something when runs, models or deployments of a store are not what they were, or the stream is there again. */
export function useStoreEvents(
  session: Session,
  wish: Readonly<Partial<Record<'runs' | 'models' | 'deployments', boolean>>>,
  call: () => void
): void {
  const latest = useRef({ wish, call });
  latest.current = { wish, call };
  useEffect(() => {
    const { events } = session;
    const hear = (_: unknown, event: { readonly type: string }): void => {
      const { wish, call } = latest.current;
      if (wish[event.type as keyof typeof wish]) {
        call();
      }
    };
    const back = (_: unknown, isConnected: boolean): void => {
      if (isConnected) {
        latest.current.call();
      }
    };
    events.message.connect(hear);
    events.connection.connect(back);
    return () => {
      events.message.disconnect(hear);
      events.connection.disconnect(back);
    };
  }, [session]);
}
