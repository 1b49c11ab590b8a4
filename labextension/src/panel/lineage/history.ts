import type { Status } from '../../api/types';
import { useAnswer } from '../../common/asking';
import { useServices } from '../../common/services';
import { useStoreEvents } from './use';

/** What the project of a path has on record. */
export interface IHistory {
  readonly status: Status | null;
  /** Null as long as that is not known. */
  readonly hasRuns: boolean | null;
  readonly error: Error | null;
  readonly again: () => void;
}

/** Whether the project that a path lies in has runs; asked again when that may have changed. */
export function useHistory(path: string): IHistory {
  const { session } = useServices();
  const answer = useAnswer(`status ${path}`, signal => session.client.get<Status>('status', { path }, signal));
  useStoreEvents(session, { runs: true, models: true, deployments: true }, answer.again);
  const status = answer.value;
  return { status, hasRuns: status ? status.store.runs > 0 : null, error: answer.error, again: answer.again };
}
