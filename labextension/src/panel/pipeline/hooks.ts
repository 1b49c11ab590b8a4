import { useEffect, useRef, useState } from 'react';
import { ApiError } from '../../api/client';
import type { Job, Kernel, PlanAnswer } from '../../api/types';
import { useServices } from '../../common/services';
import { hasEnded } from '../../jobs';

/** Milliseconds after the last change before a plan is asked for. */
const PAUSE = 400;

/** The time, renewed each second while it matters. */
export function useNow(ticking: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!ticking) {
      return;
    }
    setNow(Date.now());
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [ticking]);
  return now;
}

/** What a run of the current notebook would do, with the chosen parameters and runtime. */
export interface IPlanned {
  readonly answer: PlanAnswer | null;
  readonly error: ApiError | null;
  /** Whether a newer answer is on its way. */
  readonly pending: boolean;
}

/** Ask what a run would do, whenever the notebook, the choices, or the runs on record change. */
export function usePlan(): IPlanned {
  const { session } = useServices();
  const { analysis, path, runtime, parameters, job } = session;
  const [planned, setPlanned] = useState<IPlanned & { readonly path: string }>({ ...NOTHING, path });
  const isRunning = job !== null && !hasEnded(job);
  const wanted = analysis?.valid && analysis.pipeline.steps.length > 0 && !isRunning;
  const key = wanted ? JSON.stringify([path, analysis.revision, runtime, parameters, job?.id, job?.state]) : '';
  useEffect(() => {
    const content = session.content();
    if (!key || !content) {
      return;
    }
    const asked = new AbortController();
    setPlanned(known => ({ ...(known.path === path ? known : NOTHING), path, pending: true }));
    const timer = window.setTimeout(() => {
      session.client.send<PlanAnswer>('POST', 'plan', { ...content, parameters, runtime }, asked.signal).then(
        answer => !asked.signal.aborted && setPlanned({ answer, error: null, pending: false, path }),
        (error: unknown) => {
          const isNewerUnderWay = error instanceof ApiError && error.problem.code === 'superseded';
          if (!asked.signal.aborted && error instanceof ApiError && !isNewerUnderWay) {
            setPlanned({ answer: null, error, pending: false, path });
          }
        }
      );
    }, PAUSE);
    return () => {
      window.clearTimeout(timer);
      asked.abort();
    };
  }, [key]);
  return planned.path === path ? planned : NOTHING;
}

/** Whether the environment of the notebook's kernel has what steps need; asked again when a cure has ended. */
export function useKernel(): Kernel | null {
  const { session } = useServices();
  const [known, setKnown] = useState<Kernel | null>(null);
  const name = session.analysis?.kernel ?? '';
  const cures = session.jobs.filter(job => job.kind === 'cure' && hasEnded(job)).length;
  useEffect(() => {
    if (!name) {
      setKnown(null);
      return;
    }
    const asked = new AbortController();
    session.client.get<Kernel>('kernel', { kernel: name, path: session.path }, asked.signal).then(
      kernel => !asked.signal.aborted && setKnown(kernel),
      // what can't be asked is no obstacle: a run says it
      () => !asked.signal.aborted && setKnown(null)
    );
    return () => asked.abort();
  }, [name, cures, session.status?.version]);
  return known?.kernel === name ? known : null;
}

/** Do something when a job of the current notebook ends. */
export function useJobEnd(onEnd: (job: Job) => void): void {
  const { session } = useServices();
  const running = useRef(new Set<string>());
  useEffect(() => {
    const slot = (_: unknown, job: Job): void => {
      if (!hasEnded(job)) {
        running.current.add(job.id);
      } else if (running.current.delete(job.id)) {
        onEnd(job);
      }
    };
    session.jobChanged.connect(slot);
    return () => void session.jobChanged.disconnect(slot);
  }, []);
}

const NOTHING: IPlanned = { answer: null, error: null, pending: false };
