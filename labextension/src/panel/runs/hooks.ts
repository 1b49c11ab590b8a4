import { Throttler } from '@lumino/polling';
import { useEffect, useMemo, useReducer, useState } from 'react';
import type { IEvent } from '../../api/events';
import type { Job, RunPage } from '../../api/types';
import { useServices } from '../../common/services';
import type { Session } from '../../session';
import { NOTHING_CHOSEN, loadChoice, saveChoice, type IChoice } from './choice';
import { PAGE, RunsModel } from './model';
import { ordersOf } from './query';

/** Milliseconds between two requests for what has changed. */
const PACE = 700;

/** What was chosen in the table, kept over a reload; null until it is known. */
export function useChoice(): readonly [IChoice | null, (change: Partial<IChoice>) => void] {
  const { state } = useServices();
  const [choice, setChoice] = useState<IChoice | null>(null);
  useEffect(() => {
    void loadChoice(state).then(setChoice);
  }, [state]);
  const change = (part: Partial<IChoice>): void =>
    setChoice(before => {
      const next = { ...(before ?? NOTHING_CHOSEN), ...part };
      void saveChoice(state, next);
      return next;
    });
  return [choice, change];
}

/** The runs of the current notebook's project, kept up to date while the view is there. */
export function useRuns(choice: IChoice | null): RunsModel {
  const { session } = useServices();
  const model = useMemo(() => modelOf(session), [session]);
  const [, again] = useReducer((count: number) => count + 1, 0);
  const path = usePath(session);
  useEffect(() => {
    const slot = (): void => again();
    model.changed.connect(slot);
    const stop = follow(session, model);
    return () => {
      stop();
      model.changed.disconnect(slot);
    };
  }, [model, session]);
  const question = choice && JSON.stringify([choice.filter, choice.sort, choice.onlyNotebook, path]);
  useEffect(() => {
    if (!choice || question === null) {
      return;
    }
    const query = {
      path,
      filter: choice.filter.trim() || null,
      sort: ordersOf(choice.sort),
      notebook: choice.onlyNotebook && path ? path : null,
      limit: PAGE
    };
    model.ask(question, (page, signal) => session.client.get<RunPage>('runs', { ...query, path: path || null, page }, signal));
  }, [model, session, question]);
  return model;
}

/** The list as it was when the tab was left: it is there at once when the tab is shown again. */
const MODELS = new WeakMap<Session, RunsModel>();

function modelOf(session: Session): RunsModel {
  const model = MODELS.get(session) ?? new RunsModel();
  MODELS.set(session, model);
  return model;
}

/** Seconds pass for what runs now; the time, which changes each second only while something does. */
export function useNow(isGoing: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isGoing) {
      return;
    }
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [isGoing]);
  return isGoing ? now : Date.now();
}

/** The current notebook's path; of all notebooks of a folder the last that was there, when none is open. */
export function usePath(session: Session): string {
  const [path, setPath] = useState(session.path);
  useEffect(() => {
    const slot = (): void => setPath(before => session.path || before);
    session.notebookChanged.connect(slot);
    slot();
    return () => void session.notebookChanged.disconnect(slot);
  }, [session]);
  return path;
}

/** Ask again when the store changed, at a pace that many changes do not quicken; returns what ends it. */
function follow(session: Session, model: RunsModel): () => void {
  const throttler = new Throttler(() => model.refresh(), { limit: PACE, edge: 'trailing' });
  const states = new Map<string, string>();
  const onEvent = (_: unknown, event: IEvent): void => {
    if (event.type === 'runs' || event.type === 'models' || (event.type === 'hello' && event['resumed'] === false)) {
      void throttler.invoke();
    }
  };
  const onJob = (_: unknown, job: Job): void => {
    const state = `${job.state} ${job.run_id ?? ''}`;
    if (states.get(job.id) !== state) {
      states.set(job.id, state);
      void throttler.invoke();
    }
  };
  session.events.message.connect(onEvent);
  session.jobChanged.connect(onJob);
  return () => {
    session.events.message.disconnect(onEvent);
    session.jobChanged.disconnect(onJob);
    throttler.dispose();
  };
}
